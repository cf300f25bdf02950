"""Schedules: start pipelines at given times, once for each."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import Any

from sqlalchemy import Row

from ostinato.access.permissions import require_still_permitted, scope_to_store
from ostinato.kernel.caller import Caller, Scope, caller, calling
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Denied, Invalid, NotFound
from ostinato.kernel.name import checked_name
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.pipelines import start_store
from ostinato.pipelines.catalogue import Catalogue
from ostinato.pipelines.claims import Claims
from ostinato.pipelines.cron import Cron
from ostinato.pipelines.templates import fill_template
from ostinato.pipelines.types import Backfill, CatchUp, Schedule
from ostinato.storage.rows.rows import Rows, Tx

_TIMES_MAX = 1000
_BACKFILL_MAX = 10_000
_CHUNK = 100
_PROMPT = timedelta(seconds=60)
"""How late a time may be noticed and still not count as missed."""


class Schedules:
    """A mixin of Pipelines, which sets the attributes that are annotated here."""

    _rows: Rows
    _ledger: Ledger
    _clock: Clock
    _claims: Claims
    _catalogue: Catalogue

    def schedule(
        self,
        name: str,
        pipeline: str,
        cron: str,
        zone: str = "UTC",
        parameters: dict[str, Any] | None = None,
        catch_up: CatchUp = "latest",
    ) -> Schedule:
        """Start a pipeline at the times of a cron expression; a repeat with anything else, or by another actor, replaces the schedule.

        It starts on behalf of who set it, for as long as they may `pipeline:write`, and as far as their credential reached.

        `cron` has five fields (minute, hour, day of month, month, day of week), read in the time zone `zone`. In `parameters`,
        `${nominal}` stands for the time for which it starts, `${previous}` for the one before (together the interval), `${date}`
        for the day of the nominal time in the zone. For times that passed while no server ran, `catch_up` starts an execution for
        the `latest` only, for `all`, or for `none`.

        Raises:
            Invalid: the expression, the zone or a parameter is wrong.
            NotFound: no such pipeline.
        """
        who, now = caller(), self._clock.now()
        times = Cron(cron, zone)
        self._catalogue.wanted(pipeline, fill_template(parameters or {}, _facts(times, next(times.after(now)))))
        told: dict[str, Any] = {"pipeline": pipeline, "cron": cron, "zone": zone, "parameters": parameters or {}, "catch_up": catch_up}
        checked_name(name, "a schedule")

        def change(tx: Tx) -> Schedule:
            known = start_store.schedule(tx, who.project, name)
            limits = {"created_by": who.actor, "scope": scope_to_store(tx)}
            if known is not None and all(known._mapping[field] == value for field, value in (told | limits).items()):
                return start_store.schedule_of(known)
            paused = known is not None and known.paused
            made = Schedule(
                name=name, **told, paused=paused, next_at=None if paused else next(times.after(now)), created_at=now, created_by=who.actor
            )
            row = {f: getattr(made, f) for f in Schedule.__dataclass_fields__}
            start_store.put(tx, start_store.schedules, {"project": who.project} | row | limits)
            self._ledger.append(tx, "schedule.set", Ref("schedule", name), data=told)
            return made

        return self._rows.write(change)

    def schedules(self) -> list[Schedule]:
        """All schedules, by name."""
        project = caller().project
        return self._rows.read(lambda tx: start_store.all_schedules(tx, project))

    def next_times(self, schedule: str, limit: int = 10) -> list[datetime]:
        """The next times of a schedule, at most 1000, paused or not."""
        project = caller().project
        row = self._rows.read(lambda tx: _schedule(tx, project, schedule))
        times = Cron(row.cron, row.zone).after(self._clock.now())
        return list(islice(times, min(max(limit, 1), _TIMES_MAX)))

    def pause(self, schedule: str) -> Schedule:
        """Pause a schedule."""
        return self._set_paused(schedule, paused=True)

    def resume(self, schedule: str) -> Schedule:
        """Resume a paused schedule from its next time on. `backfill` makes up for the times that it missed."""
        return self._set_paused(schedule, paused=False)

    def unschedule(self, schedule: str) -> None:
        """Delete a schedule. Executions that it started go on.

        Raises:
            NotFound: there is none of that name.
        """
        project = caller().project

        def change(tx: Tx) -> None:
            row = _schedule(tx, project, schedule)
            start_store.drop(tx, start_store.schedules, project, row.name)
            self._ledger.append(tx, "schedule.deleted", Ref("schedule", row.name))

        self._rows.write(change)

    def backfill(self, schedule: str, since: datetime, until: datetime, concurrency: int = 1) -> Backfill:
        """Start an execution for each time of a schedule in [since, until) that has none, `concurrency` of them at a time.

        They go after everything else of their priority. A repeat starts nothing twice, and may change the concurrency.

        Raises:
            Invalid: an instant has no time zone, or there are more than 10,000 times.
        """
        if since.tzinfo is None or until.tzinfo is None:
            raise Invalid("an instant needs a time zone", hint="2013-01-01T00:00:00Z", field="since")
        if concurrency < 1:
            raise Invalid(f"concurrency {concurrency} is below 1", field="concurrency")
        who, tag = caller(), f"backfill:{schedule}"
        row = self._rows.read(lambda tx: _schedule(tx, who.project, schedule))
        times = Cron(row.cron, row.zone).after(since - timedelta(microseconds=1))
        wanted = list(islice(takewhile(lambda at: at < until, times), _BACKFILL_MAX + 1))
        if len(wanted) > _BACKFILL_MAX:
            raise Invalid(f"more than {_BACKFILL_MAX} times lie between", hint="backfill in parts", field="until")
        self._rows.write(lambda tx: start_store.put_limit(tx, who.project, tag, concurrency))
        found: list[tuple[str, bool]] = []
        for start in range(0, len(wanted), _CHUNK):
            asked = [self._asked_for(row, at, who.actor, tag) for at in wanted[start : start + _CHUNK]]
            found += self._rows.write(lambda tx, asked=asked: [self._start_once(tx, row, values) for values in asked])  # type: ignore[misc]
        fresh = sum(new for _, new in found)
        return Backfill(schedule=schedule, asked=fresh, known=len(found) - fresh, executions=[id_ for id_, _ in found])

    def _fire_due(self) -> None:
        """Start what is due, in all projects."""
        now = self._clock.now()
        for row in self._rows.read(lambda tx: start_store.due(tx, now)):
            with calling(Caller(actor=row.created_by, project=row.project, scope=Scope.kept(row.scope))):
                self._fire(row, now)

    def _fire(self, row: Row[Any], now: datetime) -> None:
        times = Cron(row.cron, row.zone)
        chosen, following = _due_times(times, row.next_at, now, row.catch_up)
        try:
            self._rows.read(lambda tx: require_still_permitted(tx, row.created_by, "pipeline:write", row.project))
            asked, error = [self._asked_for(row, at, row.created_by) for at in chosen], ""
        except (Denied, Invalid, NotFound) as refused:
            asked, error = [], str(refused)

        def change(tx: Tx) -> None:
            present = start_store.schedule(tx, row.project, row.name)
            if present is None or tuple(present) != tuple(row):
                return  # another server was here, or somebody changed it
            for values in asked:
                self._start_once(tx, row, values)
            start_store.change(tx, start_store.schedules, row.project, row.name, {"next_at": following})
            if error and chosen:
                self._ledger.append(
                    tx, "schedule.failed", Ref("schedule", row.name), data={"error": error, "nominal": chosen[-1].isoformat()}
                )
            elif not chosen or (chosen[0] > row.next_at and row.catch_up != "all"):
                missed = {"since": row.next_at.isoformat(), "started": [at.isoformat() for at in chosen]}
                self._ledger.append(tx, "schedule.missed", Ref("schedule", row.name), data=missed)

        self._rows.write(change)

    def _asked_for(self, row: Row[Any], at: datetime, actor: str, backfill: str = "") -> dict[str, Any]:
        """The execution for a nominal time, not yet kept."""
        wanted = self._catalogue.wanted(row.pipeline, fill_template(row.parameters, _facts(Cron(row.cron, row.zone), at)))
        values = wanted.row(actor, row.project, self._clock.now()) | {"cause": f"schedule:{row.name}", "nominal": at}
        return values | {"tags": [*values["tags"], backfill], "priority": values["priority"] - 1} if backfill else values

    def _start_once(self, tx: Tx, row: Row[Any], values: dict[str, Any]) -> tuple[str, bool]:
        """Insert an execution unless its nominal time had one; returns its id, and whether it is new."""
        occasion = values["nominal"].isoformat()
        if start_store.fire(tx, row.project, values["cause"], occasion, values["id"]):
            self._claims.ask(tx, values)
            return values["id"], True
        return start_store.fired(tx, row.project, values["cause"], occasion) or "", False

    def _set_paused(self, schedule: str, *, paused: bool) -> Schedule:
        project, now = caller().project, self._clock.now()

        def change(tx: Tx) -> Schedule:
            row = _schedule(tx, project, schedule)
            if row.paused != paused:
                following = None if paused else next(Cron(row.cron, row.zone).after(now))
                start_store.change(tx, start_store.schedules, project, schedule, {"paused": paused, "next_at": following})
                self._ledger.append(tx, "schedule.paused" if paused else "schedule.resumed", Ref("schedule", schedule))
            return start_store.schedule_of(_schedule(tx, project, schedule))

        return self._rows.write(change)


def _schedule(tx: Tx, project: str, name: str) -> Row[Any]:
    row = start_store.schedule(tx, project, name)
    if row is None:
        raise NotFound.named("schedule", name, [known.name for known in start_store.all_schedules(tx, project)])
    return row


def _facts(times: Cron, nominal: datetime) -> dict[str, Any]:
    """The facts that parameter templates can use."""
    previous = times.latest(nominal - timedelta(microseconds=1))
    return {
        "nominal": nominal.isoformat(),
        "previous": (previous or nominal).isoformat(),
        "date": times.local(nominal).date().isoformat(),
    }


def _due_times(times: Cron, since: datetime, now: datetime, catch_up: CatchUp) -> tuple[list[datetime], datetime | None]:
    """The times from `since` to `now` that shall start something, and the first one that is still to come."""
    if catch_up == "all":
        passed = list(islice(times.after(since - timedelta(microseconds=1)), _CHUNK + 1))
        due = [at for at in passed[:_CHUNK] if at <= now]
        return due, passed[len(due)] if len(passed) > len(due) else None
    latest = times.latest(now, since)
    due = [latest] if latest is not None and (catch_up == "latest" or now - latest <= _PROMPT) else []
    return due, next(times.after(now), None)
