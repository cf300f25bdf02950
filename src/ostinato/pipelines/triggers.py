"""Triggers: start pipelines on events of a kind, once for each."""

from __future__ import annotations

from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Any

from sqlalchemy import Row

from ostinato.access.permissions import require_still_permitted, scope_to_store
from ostinato.kernel.caller import Caller, Scope, caller, calling
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Denied, Invalid, NotFound
from ostinato.kernel.event import Event
from ostinato.kernel.name import checked_name
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.pipelines import start_store, store
from ostinato.pipelines.catalogue import Catalogue
from ostinato.pipelines.claims import Claims
from ostinato.pipelines.templates import fill_template
from ostinato.pipelines.types import Trigger
from ostinato.storage.rows.rows import Rows, Tx

_CURSOR = "pipelines"
_ROUNDS_MAX = 20
_DEPTH_MAX = 8
"""So many executions in a row, each set off by the one before, are a loop."""
_SPREAD_DEPTH, _SPREAD_MAX, _SPREAD_TIME = 3, 100, timedelta(hours=1)
"""So many executions at this depth or beyond, within this time, are a loop that widens."""


class Triggers:
    """A mixin of Pipelines, which sets the attributes that are annotated here."""

    _rows: Rows
    _ledger: Ledger
    _clock: Clock
    _claims: Claims
    _catalogue: Catalogue

    def trigger(self, name: str, on: str, pipeline: str, subject: str = "*", parameters: dict[str, Any] | None = None) -> Trigger:
        """Start a pipeline on each matching event from now on. A repeat replaces the trigger, and restarts a stopped one.

        It starts on behalf of who set it last, for as long as they may `pipeline:write`, and as far as their credential reached.

        `on` is a verb or a pattern (`dataset.delivered`, `model.*`), `subject` a reference (`dataset:flights`: any version) or a
        pattern (`dataset:*`). In `parameters`, `${subject}`, `${subject.name}`, `${output}` (the first), `${actor}`, `${at}`, `${id}`
        and `${data.…}` stand for what the event says.

        Raises:
            Invalid: the pattern says nothing, or a parameter is unknown.
            NotFound: no such pipeline.
        """
        who, now = caller(), self._clock.now()
        checked_name(name, "a trigger")
        if on.startswith("trigger.") or "." not in on:
            raise Invalid(
                f"not the verb of an event: {on!r}", hint="noun.past_participle such as dataset.delivered, or dataset.*", field="on"
            )
        self._catalogue.accepts(pipeline, parameters or {})
        told = {"on": on, "subject": subject, "pipeline": pipeline, "parameters": parameters or {}}

        def change(tx: Tx) -> Trigger:
            known = start_store.trigger(tx, who.project, name)
            limits = {"created_by": who.actor, "scope": scope_to_store(tx)}
            same = known is not None and all(known._mapping[field] == value for field, value in (told | limits).items())
            if known is not None and same and not known.stopped:
                return start_store.trigger_of(known)
            first = not start_store.all_triggers(tx)
            since = self._ledger.append(tx, "trigger.set", Ref("trigger", name), data=told).seq
            paused = known is not None and known.paused
            made = told | limits | {"project": who.project, "name": name, "paused": paused, "stopped": "", "created_at": now}
            start_store.put(tx, start_store.triggers, made | {"since": since})
            if first:
                self._ledger.advance(_CURSOR, since, tx)
            return start_store.trigger_of(_trigger(tx, who.project, name))

        return self._rows.write(change)

    def triggers(self) -> list[Trigger]:
        """All triggers, by name."""
        project = caller().project
        return [start_store.trigger_of(row) for row in self._rows.read(lambda tx: start_store.all_triggers(tx, project))]

    def pause_trigger(self, trigger: str) -> Trigger:
        """Pause a trigger.

        Raises:
            NotFound: there is none of that name.
        """
        return self._set_paused_trigger(trigger, paused=True)

    def resume_trigger(self, trigger: str) -> Trigger:
        """Resume a trigger that was paused or that stopped itself, for events from now on.

        Raises:
            NotFound: there is none of that name.
        """
        return self._set_paused_trigger(trigger, paused=False)

    def untrigger(self, trigger: str) -> None:
        """Delete a trigger. Executions that it started go on.

        Raises:
            NotFound: there is none of that name.
        """
        project = caller().project

        def change(tx: Tx) -> None:
            _trigger(tx, project, trigger)
            start_store.drop(tx, start_store.triggers, project, trigger)
            self._ledger.append(tx, "trigger.deleted", Ref("trigger", trigger))

        self._rows.write(change)

    def _set_paused_trigger(self, trigger: str, *, paused: bool) -> Trigger:
        project = caller().project

        def change(tx: Tx) -> Trigger:
            row = _trigger(tx, project, trigger)
            if row.paused != paused or (row.stopped and not paused):
                turned = self._ledger.append(tx, "trigger.paused" if paused else "trigger.resumed", Ref("trigger", trigger))
                again = {} if paused else {"since": turned.seq, "stopped": ""}
                start_store.change(tx, start_store.triggers, project, trigger, {"paused": paused, **again})
            return start_store.trigger_of(_trigger(tx, project, trigger))

        return self._rows.write(change)

    def _react(self) -> None:
        """Hand the events that came to the triggers, of all projects."""
        for _ in range(_ROUNDS_MAX):
            active = [row for row in self._rows.read(start_store.all_triggers) if not (row.stopped or row.paused)]
            events = self._ledger.after(_CURSOR) if active else []
            for event in events:
                for row in active:
                    if row.project == event.project and event.seq > row.since and _fits(row, event):
                        with calling(Caller(actor=row.created_by, project=row.project, scope=Scope.kept(row.scope))):
                            self._set_off(row, event)
            if not events:
                return
            self._ledger.advance(_CURSOR, events[-1].seq)

    def _set_off(self, row: Row[Any], event: Event) -> None:
        ref, cause = Ref("trigger", row.name), f"trigger:{row.name}"
        try:
            self._rows.read(lambda tx: require_still_permitted(tx, row.created_by, "pipeline:write", row.project))
            wanted = self._catalogue.wanted(row.pipeline, fill_template(row.parameters, _facts(event)))
        except (Denied, Invalid, NotFound) as refused:
            refusal = {"event": event.id, "error": str(refused)}
            self._rows.write(lambda tx: self._ledger.append(tx, "trigger.failed", ref, data=refusal))
            return
        values = wanted.row(row.created_by, row.project, self._clock.now()) | {"cause": cause}

        def change(tx: Tx) -> None:
            present = start_store.trigger(tx, row.project, row.name)
            if present is None or present.stopped or present.paused or start_store.fired(tx, row.project, cause, event.id) is not None:
                return
            source = store.execution(tx, row.project, _source_execution(event))
            depth = 1 if source is None else source.depth + 1
            if stopped := self._runaway(tx, row.project, cause, depth, event):
                start_store.change(tx, start_store.triggers, row.project, row.name, {"stopped": stopped})
                self._ledger.append(tx, "trigger.stopped", ref, data={"event": event.id, "reason": stopped})
                return
            start_store.fire(tx, row.project, cause, event.id, values["id"])
            self._claims.ask(tx, values | {"depth": depth})

        self._rows.write(change)

    def _runaway(self, tx: Tx, project: str, cause: str, depth: int, event: Event) -> str:
        """Why the trigger must be stopped: its executions trigger each other in a loop, or ever more of them; empty if neither."""
        if depth > _DEPTH_MAX:
            return (
                f"it went round: {_DEPTH_MAX} executions in a row set each other off, the last {_source_execution(event)} by {event.verb}"
            )
        since = self._clock.now() - _SPREAD_TIME
        if depth >= _SPREAD_DEPTH and store.count_triggered(tx, project, cause, _SPREAD_DEPTH, since) >= _SPREAD_MAX:
            return f"it spread: {_SPREAD_MAX} executions within an hour were set off by others, the last by {event.verb}"
        return ""


def _trigger(tx: Tx, project: str, name: str) -> Row[Any]:
    row = start_store.trigger(tx, project, name)
    if row is None:
        raise NotFound.named("trigger", name, [known.name for known in start_store.all_triggers(tx, project)])
    return row


def _fits(row: Row[Any], event: Event) -> bool:
    if event.verb.startswith("trigger.") or not fnmatchcase(event.verb, row.on):
        return False
    return any(fnmatchcase(name, row.subject) for name in (str(event.subject), f"{event.subject.kind}:{event.subject.name}"))


def _source_execution(event: Event) -> str:
    """The execution that the event is of, or in whose code it came about; empty if there is none."""
    return event.subject.name if event.subject.kind == "execution" else str(event.data.get("within", ""))


def _facts(event: Event) -> dict[str, Any]:
    """The facts that parameter templates can use."""
    return {
        "subject": str(event.subject),
        "subject.name": event.subject.name,
        "subject.version": event.subject.version or "",
        "output": str(event.outputs[0]) if event.outputs else "",
        "actor": event.actor,
        "at": event.at.isoformat(),
        "id": event.id,
        "verb": event.verb,
        "data": dict(event.data),
    }
