"""Why: what had changed when a step ran."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from sqlalchemy import Row

from ostinato.kernel.errors import NotFound
from ostinato.pipelines import kept
from ostinato.pipelines.types import Change, Why
from ostinato.storage.rows.rows import Tx

_CANDIDATES_MAX = 200
_TEXT_MAX = 200


def why(tx: Tx, execution: Row[Any], step: str) -> Why:
    """Compare a call, by its id or the name of its step, with the most similar one of the latest earlier execution."""
    calls = kept.steps_of(tx, execution.project, execution.id)
    call = next((c for c in calls if step in (c.id, c.name)), None)
    if call is None:
        raise NotFound.named("step", step, {c.name for c in calls})
    earlier = kept.earlier_calls(tx, execution.project, execution.pipeline, call.name, execution.created_at, execution.id, _CANDIDATES_MAX)
    compared = [(_changes(tx, execution.project, c, call), c) for c in earlier]
    changes, nearest = min(compared, key=lambda pair: len(pair[0]), default=([], None))
    return Why(
        step=call.id,
        name=call.name,
        cached=call.cached,
        reason=_reason(call, nearest, changes),
        compared_with=nearest.execution if nearest is not None else None,
        changes=changes,
    )


def _reason(call: Row[Any], earlier: Row[Any] | None, changes: list[Change]) -> str:
    if call.cached:
        return "it did not run: the same code, arguments and environment had given this output before"
    if earlier is None:
        return "it ran because no earlier execution of the pipeline has finished such a step"
    if changes:
        return f"it ran because of {', '.join(f'{c.part} {c.name}' for c in changes)}"
    return "it ran although nothing had changed: its output is not remembered between executions"


def _changes(tx: Tx, project: str, before: Row[Any], after: Row[Any]) -> list[Change]:
    old, new = json.loads(before.arguments), json.loads(after.arguments)
    changes = _differences("argument", {n: _text(v) for n, v in old.items()}, {n: _text(v) for n, v in new.items()})
    if before.code != after.code:
        sources = kept.source(tx, project, before.code), kept.source(tx, project, after.code)
        changes += _differences("code", sources[0]["code"], sources[1]["code"])
        changes += _differences("environment", sources[0]["environment"], sources[1]["environment"])
    return changes


def _differences(part: Literal["code", "argument", "environment"], old: Mapping[str, str], new: Mapping[str, str]) -> list[Change]:
    return [
        Change(part=part, name=name, before=old.get(name), after=new.get(name))
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]


def _text(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return text if len(text) <= _TEXT_MAX else text[: _TEXT_MAX - 1] + "…"
