"""The column types that datasets have, and the conversion of a delivery to its dataset's schema."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ostinato.data.types import CheckResult, Column, Scalar
from ostinato.kernel.errors import Invalid

ARROW = {
    "int64": pa.int64(),
    "double": pa.float64(),
    "string": pa.string(),
    "bool": pa.bool_(),
    "timestamp": pa.timestamp("us", "UTC"),
    "date": pa.date32(),
}
"""The type names of a schema, and how Arrow says them."""

_NAMES = {kind: name for name, kind in ARROW.items()}


def schema_of(table: pa.Table) -> list[Column]:
    """The schema of a table that `normalized` returned."""
    return [Column(name=f.name, type=_NAMES[f.type]) for f in table.schema]


def normalized(table: pa.Table) -> pa.Table:
    """The table with every column in one of the six types; instants without a zone are taken as UTC.

    Raises:
        Invalid: a name occurs twice or begins with an underscore, a column is nested, or its values do not fit.
    """
    names = table.column_names
    if len(set(names)) < len(names) or any(not n or n.startswith("_") for n in names):
        raise Invalid("column names must be present, distinct and not begin with an underscore", hint=f"got {', '.join(names)}")
    return pa.table({f.name: _cast(table[f.name], _target(f), f.name) for f in table.schema})


def conform(table: pa.Table, schema: Sequence[Column]) -> tuple[pa.Table, CheckResult]:
    """The table with the columns of `schema`, in their order and types, and how that went; where it fails, the table as it is."""
    wanted, given = [c.name for c in schema], table.column_names
    problems = [f"no column {c}" for c in wanted if c not in given] + [f"unknown column {c}" for c in given if c not in wanted]
    if not problems:
        fitted = {}
        for column in schema:
            try:
                fitted[column.name] = _cast(table[column.name], ARROW[column.type], column.name)
            except Invalid as error:
                problems.append(error.message)
        table = table if problems else pa.table(fitted)
    failed = int(bool(problems))
    return table, CheckResult(
        check="schema", columns=wanted, passed=not failed, violations=failed, fraction=float(failed), message="; ".join(problems)
    )


def plain_rows(table: pa.Table) -> list[dict[str, Scalar]]:
    """The rows as values of the wire."""
    return [{name: to_wire(value) for name, value in row.items()} for row in table.to_pylist()]


def to_wire(value: Any) -> Scalar:
    """A value of the wire: instants and dates as ISO 8601 text, what is not finite as null."""
    match value:
        case float() if value != value or value in (float("inf"), float("-inf")):
            return None
        case None | bool() | int() | float() | str():
            return value
        case datetime() | date():
            return value.isoformat()
    return str(value)


def _target(field: pa.Field) -> pa.DataType:
    kind = field.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_integer(kind):
        return pa.int64()
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return pa.float64()
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind) or pa.types.is_null(kind):
        return pa.string()
    if pa.types.is_timestamp(kind):
        return ARROW["timestamp"]
    if pa.types.is_date(kind):
        return pa.date32()
    if pa.types.is_boolean(kind):
        return pa.bool_()
    raise Invalid(f"column {field.name} has type {kind}", hint=f"columns are {', '.join(ARROW)}", field=field.name)


def _cast(values: pa.ChunkedArray, target: pa.DataType, name: str) -> pa.ChunkedArray:
    try:
        if pa.types.is_timestamp(values.type) and values.type.tz is None and pa.types.is_timestamp(target):
            return pc.assume_timezone(values.cast(pa.timestamp("us")), "UTC")
        return values.cast(target)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise Invalid(f"column {name} does not fit {_NAMES[target]}: {str(error).splitlines()[0]}", field=name) from error
