"""Entity keys: columns and values converted to the types of the dataset."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from ostinato.data.schema import ARROW, conform
from ostinato.data.types import Column
from ostinato.features.events import Events, in_order
from ostinato.features.history import entity_codes, events_of
from ostinato.features.types import FeatureView
from ostinato.kernel.errors import Invalid
from ostinato.kernel.instant import instant_from, micros_of

_PLAIN: dict[str, tuple[type, ...]] = {"int64": (int,), "string": (str,), "bool": (bool,)}


def cast_keys(table: pa.Table, kinds: Mapping[str, str]) -> pa.Table:
    """The columns named in `kinds`, in those types.

    Raises:
        Invalid: values do not fit.
    """
    fitted, result = conform(table.select(list(kinds)), [Column(name=name, type=kind) for name, kind in kinds.items()])
    if not result.passed:
        raise Invalid(result.message, hint="types: " + ", ".join(f"{name} {kind}" for name, kind in kinds.items()), field="rows")
    return fitted


def table_of_keys(rows: Mapping[str, Sequence[Any]], kinds: Mapping[str, str]) -> pa.Table:
    """Columns of plain values as a table with the columns and types of `kinds`; instants may be text.

    Raises:
        Invalid: they differ in length, or values do not fit.
    """
    if len({len(rows[name]) for name in kinds}) > 1:
        raise Invalid("the columns differ in length", hint="give one value for each row, None where there is none", field="rows")
    return cast_keys(pa.table({name: _column(rows[name], kind, name) for name, kind in kinds.items()}), kinds)


def _column(values: Sequence[Any], kind: str, name: str) -> pa.Array:
    text = kind in ("timestamp", "date") and any(isinstance(value, str) for value in values)
    cut = kind == "int64" and any(isinstance(value, float) for value in values)  # given the type, Arrow would drop the fraction
    try:
        # inferring a type looks for pandas anew each time, which costs more than 50 values
        return pa.array(values, None if cut else pa.string() if text else ARROW[kind])
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise Invalid(f"column {name} mixes types: {error}", hint=f"the column holds {kind}", field=name) from error


def by_entity(view: FeatureView, table: pa.Table) -> dict[str, Events]:
    """The rows of a table as the events of each entity, in order."""
    if not table.num_rows:
        return {}
    codes, events = entity_codes([table[c] for c in view.entity]), events_of(view, table)
    order = in_order(events.times, events.ids, codes)
    codes, events = codes[order], events.take(order)
    starts = np.flatnonzero(np.append(True, codes[1:] != codes[:-1]))
    firsts = zip(*(table[c].take(pa.array(order[starts])).to_pylist() for c in view.entity), strict=True)
    ends = [*starts[1:].tolist(), len(codes)]
    return {entity(key): events.take(slice(start, end)) for key, start, end in zip(firsts, starts.tolist(), ends, strict=True)}


def entity(key: Iterable[Any]) -> str:
    """The text that stands for an entity in the online store."""
    return json.dumps(list(key), ensure_ascii=False, separators=(",", ":"), default=str)


def key_value(value: Any, kind: str, column: str) -> Any:
    """A value of a request as it stands in a column of the type `kind`.

    Raises:
        Invalid: it has another type.
    """
    if value is None or (isinstance(value, _PLAIN.get(kind, ())) and (kind == "bool" or not isinstance(value, bool))):
        return value
    with contextlib.suppress(TypeError, ValueError):  # it is told below what it should have been
        if kind == "timestamp":
            return _aware(value) if isinstance(value, datetime) else instant_from(str(value), column)
        if kind == "date":
            return date.fromisoformat(str(value))
    raise Invalid(f"{value!r} is no {kind}", hint=f"the column {column} holds {kind}", field=column)


def micros(instant: datetime) -> int:
    """Microseconds since 1970.

    Raises:
        Invalid: the instant has no time zone.
    """
    return micros_of(_aware(instant))


def _aware(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise Invalid("an instant needs a time zone", hint="datetime(..., tzinfo=UTC)", field="at")
    return instant.astimezone(UTC)
