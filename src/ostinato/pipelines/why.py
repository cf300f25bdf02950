"""The reasons why a step ran instead of being taken from the memo."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from sqlalchemy import Row

from ostinato.kernel.errors import NotFound
from ostinato.pipelines import step_store
from ostinato.pipelines.types import Change, Why
from ostinato.storage.rows.rows import Tx

_CANDIDATES_MAX = 200
_TEXT_MAX = 200
_AROUND = 40


def why(tx: Tx, execution: Row[Any], step: str) -> Why:
    """Compare a call, by its id or the name of its step, with the most similar one of the latest earlier execution."""
    calls = step_store.steps_of(tx, execution.project, execution.id)
    call = next((c for c in calls if step in (c.id, c.name)), None)
    if call is None:
        raise NotFound.named("step", step, {c.name for c in calls})
    return _compared(tx, execution, call)


def causes(tx: Tx, execution: Row[Any], most: int) -> list[Why]:
    """The calls that the work began with: those that ran although nothing that they needed had run; one of each step, at most so many."""
    calls = step_store.steps_of(tx, execution.project, execution.id)
    ran = {c.id for c in calls if not c.cached}
    first: dict[str, Row[Any]] = {}
    for call in calls:
        if call.id in ran and ran.isdisjoint(json.loads(call.needs)):
            first.setdefault(call.name, call)
    return [_compared(tx, execution, call) for call in list(first.values())[:most]]


def _compared(tx: Tx, execution: Row[Any], call: Row[Any]) -> Why:
    earlier = step_store.earlier_calls(
        tx, execution.project, execution.pipeline, call.name, execution.created_at, execution.id, _CANDIDATES_MAX
    )
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
    changes = _differences("argument", {n: _as_text(v) for n, v in old.items()}, {n: _as_text(v) for n, v in new.items()})
    if before.code != after.code:
        sources = step_store.source(tx, project, before.code), step_store.source(tx, project, after.code)
        changes += _differences("code", sources[0]["code"], sources[1]["code"])
        changes += _differences("environment", sources[0]["environment"], sources[1]["environment"])
    return changes


def _differences(part: Literal["code", "argument", "environment"], old: Mapping[str, str], new: Mapping[str, str]) -> list[Change]:
    return [
        Change(part=part, name=name, before=_excerpt(old.get(name), new.get(name)), after=_excerpt(new.get(name), old.get(name)))
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]


def _as_text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _excerpt(text: str | None, other: str | None) -> str | None:
    """At most so much of a text; of a long one, what follows from where it begins to differ."""
    if text is None or len(text) <= _TEXT_MAX:
        return text
    same = next((i for i, (ours, theirs) in enumerate(zip(text, other or "", strict=False)) if ours != theirs), len(other or ""))
    start = 0 if same < _TEXT_MAX - _AROUND else same - _AROUND
    end = start + _TEXT_MAX - 2
    return f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"
