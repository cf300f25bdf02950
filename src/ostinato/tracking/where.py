"""Where: conditions on runs as people write them, such as `metrics.auc > 0.7`, and what the database makes of them."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func

from ostinato.kernel.errors import Invalid
from ostinato.storage.rows.cells import number_in, text_in
from ostinato.storage.rows.lease import silent
from ostinato.storage.series.latest import latest
from ostinato.tracking.store import run_table

_r = run_table.c
seen_state = case((and_(_r.state == "running", silent(_r)), "killed"), else_=_r.state)
"""The state of a run, whose process may have fallen silent."""
_CONDITION = re.compile(r"\s*(?P<field>.+?)\s*(?P<op>!=|>=|<=|=|>|<|~)\s*(?P<value>.*?)\s*", re.DOTALL)
_OPS: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_FIELDS: dict[str, ColumnElement[Any]] = {
    "id": _r.id,
    "name": _r.name,
    "experiment": _r.experiment,
    "state": seen_state,
    "parent": func.coalesce(_r.parent, ""),
    "started_by": _r.started_by,
    "error": _r.error,
}
_TIMES: dict[str, ColumnElement[Any]] = {"started_at": _r.started_at, "ended_at": _r.ended_at}
_HINT = "write metrics.auc > 0.7, params.depth = 5, tags.kind = tuned, name ~ text, state = failed or started_at >= 2013-05-01"


def condition(text: str) -> ColumnElement[bool]:
    """What one condition asks of a run. A run without the parameter, tag or metric does not meet it.

    `~` means that a text holds another, small and capital letters alike. A number is compared with numbers, and everything else,
    also a number in double quotes, with text.

    Raises:
        Invalid: it is no condition, or asks for something that a run does not have.
    """
    found = _CONDITION.fullmatch(text)
    if found is None:
        raise Invalid(f"not a condition: {text!r}", hint=_HINT, field="where")
    field, op, value = found["field"], found["op"], found["value"]
    kind, _, key = field.partition(".")
    if kind == "metrics" and key:
        return _metric(key, op, value)
    if kind in ("params", "tags") and key:
        return _cell(_r[kind], key, op, value)
    if field in _TIMES:
        return _compared(_TIMES[field], op, _instant(value))
    if field in _FIELDS:
        return _compared(_FIELDS[field], op, _unquoted(value))
    raise Invalid(f"runs have no {field!r}", hint=_HINT, field="where")


def _metric(key: str, op: str, value: str) -> ColumnElement[bool]:
    number = _number(value)
    if number is None or op == "~":
        raise Invalid(f"metrics.{key} is compared with a number, not with {op} {value!r}", hint=_HINT, field="where")
    c = latest.c
    return exists().where(c.project == _r.project, c.run == _r.id, c.key == key, _compared(c.last, op, number)).correlate(run_table)


def _cell(column: ColumnElement[Any], key: str, op: str, value: str) -> ColumnElement[bool]:
    number = _number(value)
    if number is not None and op != "~" and column is not _r.tags:
        return _compared(number_in(column, key), op, number)
    return _compared(text_in(column, key), op, _unquoted(value))


def _compared(column: ColumnElement[Any], op: str, value: Any) -> ColumnElement[bool]:
    if op == "~":
        if not isinstance(value, str):
            raise Invalid("~ looks for text", hint=_HINT, field="where")
        escaped = value.replace("/", "//").replace("%", "/%").replace("_", "/_")
        return func.lower(column).like(func.lower(f"%{escaped}%"), escape="/")
    made: ColumnElement[bool] = _OPS[op](column, value)
    return made


def _number(value: str) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) >= 2 and value[0] == value[-1] == '"' else value


def _instant(value: str) -> datetime:
    try:
        found = datetime.fromisoformat(_unquoted(value))
    except ValueError:
        raise Invalid(f"{value!r} is no instant", hint="write 2013-05-01 or 2013-05-01T14:00:00Z", field="where") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
