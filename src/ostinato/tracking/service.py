"""Runs: the verbs of tracking."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, Literal

from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.digest import canonical
from ostinato.kernel.errors import Conflict, Invalid
from ostinato.kernel.ids import new_id
from ostinato.kernel.ref import Ref
from ostinato.kernel.steps import TimeSliced
from ostinato.ledger.service import Ledger
from ostinato.storage.blobs.blobs import Blobs
from ostinato.storage.blobs.uploads import Uploads
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.storage.series.series import Series
from ostinato.tracking import store
from ostinato.tracking.compare import compared, differences
from ostinato.tracking.lookup import check_part, checked_name, deleted_error, ended_error, find_run, merged_params, merged_tags, unknown_run
from ostinato.tracking.removal import retention
from ostinato.tracking.removal.purge import called
from ostinato.tracking.removal.retention import Retention
from ostinato.tracking.removal.rules import Rules
from ostinato.tracking.sources import Sources
from ostinato.tracking.tombstones import check_tombstone
from ostinato.tracking.types import Code, Environment, Metric, Run, Scalar, Spent, State
from ostinato.tracking.verbs.adoption import Adoptions
from ostinato.tracking.verbs.curves import Curves
from ostinato.tracking.verbs.experiments import belonging, checked_note, former_names
from ostinato.tracking.verbs.origin import Origins
from ostinato.tracking.verbs.preview import Previews
from ostinato.tracking.verbs.relations import Relations
from ostinato.tracking.verbs.reproducibility import Stories
from ostinato.tracking.verbs.search import Finding
from ostinato.tracking.verbs.views import Views
from ostinato.tracking.view_types import Comparison, Difference

_COMPARE_MAX = 100
_TOLD_MAX = 100


class Runs(Retention, Adoptions, Finding, Sources, Origins, Curves, Relations, Previews, Stories, Views):
    """The runs of a project: started, fed, linked to what they used and made, and finished."""

    def __init__(self, *, rows: Rows, blobs: Blobs, series: Series, ledger: Ledger, clock: Clock) -> None:
        self._rows = rows
        self._blobs = blobs
        self._uploads = Uploads(blobs, rows)
        self._series = series
        self._ledger = ledger
        self._clock = clock
        self._upkeep = TimeSliced()
        self._rules = Rules(rows, ledger, clock, retention.rule_table, retention.read_rule, "retention", retention.log)
        self.needed_by = lambda *_: {}
        self.goes_along = lambda *_: None
        ledger.called |= dict.fromkeys(("run", "candidate", "experiment"), called)

    def start(
        self,
        experiment: str,
        name: str = "",
        params: dict[str, Scalar] | None = None,
        tags: dict[str, str] | None = None,
        parent: str | None = None,
        inputs: list[Ref] | None = None,
        id: str | None = None,
        code: Code | None = None,
        environment: Environment | None = None,
        lease_s: int | None = None,
        note: str = "",
        started_at: datetime | None = None,
        state: Literal["running", "scheduled"] = "running",
        amendable: bool = False,
    ) -> Run:
        """Start a run. With the `id` of an existing run of the same experiment, return that run.

        `experiment` is the name or the id of one; a new name makes one. With `lease_s`, the run counts as killed once that many seconds
        pass without a `beat`. `started_at` says when it began, if that was not now; an `amendable` run is not fixed by its end.

        Raises:
            Conflict: the id belongs to a run of another experiment or parent, or the experiment was deleted.
            NotFound: there is no run `parent`.
            Invalid: `parent` would be part of this run.
        """
        now = self._clock.now()
        made = Run(
            id=Ref("run", id or new_id()).name,
            experiment=experiment,
            name=name,
            state=state,
            parent=parent,
            params=merged_params("a run", {}, params or {}),
            tags=merged_tags({}, dict(tags or {})),
            inputs=list(inputs or []),
            outputs=[],
            code=code or Code(),
            environment=self._blobs.put(canonical(asdict(environment))).digest if environment else None,
            started_at=started_at or now,
            started_by=caller().actor,
            ended_at=None,
            error="",
            note=checked_note(note),
            recorded_at=now,
            amendable=amendable,
        )

        return self._rows.write(lambda tx: self._add(tx, made, None if lease_s is None else _lease(lease_s), fresh=id is None))

    def _add(self, tx: Tx, given: Run, lease_s: int | None, *, fresh: bool) -> Run:
        """Insert a run; a `fresh` id was just generated, so it cannot exist."""
        project = caller().project
        known = None if fresh else store.one(tx, project, given.id)
        if known is not None:
            same = given.experiment in (known.experiment, known.experiment_id, *former_names(tx, known.experiment_id))
            if not same or known.parent != given.parent:
                raise Conflict(f"run {given.id} belongs to the experiment {known.experiment!r}", hint="use another id")
            return known
        if given.parent is not None and not store.exists(tx, project, given.parent):
            raise unknown_run(given.parent)
        if not fresh:
            check_part(tx, given.id, given.parent)
            check_tombstone(tx, given.id)
        experiment_id, experiment, new = belonging(tx, given.experiment, self._clock.now())
        made = replace(given, experiment=experiment, experiment_id=experiment_id, name=given.name or experiment)
        store.add(tx, project, made, lease_s)
        data = _gist(made) | ({"new_experiment": experiment_id} if new else {})
        self._ledger.append(tx, "run.started", made.ref, inputs=tuple(made.inputs), outputs=(made.ref,), data=data)
        return made

    def beat(self, run: str, lease_s: int) -> None:
        """Heartbeat: the process of a run is alive, and is taken to be for the next `lease_s` seconds."""
        project = caller().project

        def change(tx: Tx) -> None:
            if find_run(tx, run).deleted_at is not None:
                raise deleted_error(run)
            store.beat(tx, project, run, _lease(lease_s))

        self._rows.write(change)

    def params(self, run: str, values: dict[str, Scalar]) -> Run:
        """Add parameters. A parameter never changes its value.

        Raises:
            Conflict: a parameter has another value already, or the run has ended.
        """
        return self._change(run, lambda known: replace(known, params=merged_params(f"run {run}", known.params, values)), "run.changed")

    def tag(self, run: str, tags: dict[str, str | None]) -> Run:
        """Set tags, or remove those set to None; ended runs can be tagged as well."""
        return self._change(run, lambda known: replace(known, tags=merged_tags(known.tags, tags)), "run.tagged", ended=True)

    def change(
        self,
        run: str,
        name: str | None = None,
        note: str | None = None,
        tags: dict[str, str | None] | None = None,
        params: dict[str, Scalar] | None = None,
    ) -> Run:
        """Change the name or note (Markdown) of a run, set tags (None removes one), add parameters; all or nothing.

        Parameters join a run that goes on; everything else changes those that have ended as well.

        Raises:
            Conflict: a parameter has another value already, or the run has ended, or was deleted.
        """

        def changed(known: Run) -> Run:
            more = replace(known, params=merged_params(f"run {run}", known.params, params or {}), tags=merged_tags(known.tags, tags or {}))
            if more.params != known.params and known.ended_at is not None and not known.amendable:
                raise ended_error(run)
            named = more if name is None else replace(more, name=checked_name(name))
            return named if note is None else replace(named, note=checked_note(note))

        return self._change(run, changed, "run.changed", ended=True)

    def link(self, run: str, inputs: list[Ref] | None = None, outputs: list[Ref] | None = None) -> Run:
        """Record the inputs and outputs of a run, for its lineage."""
        return self._change(run, lambda known: _linked(known, inputs or [], outputs or []), "run.linked")

    def finish(
        self,
        run: str,
        state: State = "finished",
        outputs: list[Ref] | None = None,
        error: str = "",
        spent: Spent | None = None,
        ended_at: datetime | None = None,
    ) -> Run:
        """End a run, with its outputs, its cost and, if it failed, one line of why. A repeat returns the ended run.

        `ended_at` says when it ended, if that was not now. An `amendable` run may end again, in another state or at another time.

        Raises:
            Conflict: the run has ended in another state.
        """
        if state in ("running", "scheduled"):
            raise Invalid(f"a run does not end as {state}", hint="finished, failed or killed", field="state")

        def change(known: Run) -> Run:
            if known.ended_at is not None:
                if known.state != state and not known.amendable:
                    raise Conflict(f"run {run} has ended already: {known.state}")
                if known.state == state and ended_at in (None, known.ended_at):
                    return known
                if not known.amendable:
                    return known
            linked = _linked(known, [], outputs or [])
            return replace(linked, state=state, ended_at=ended_at or self._clock.now(), error=error, spent=spent)

        ended = self._change(run, change, f"run.{state}", ended=True)
        self._series.compact(caller().project, run, ended=True)
        return ended

    def reopen(self, run: str) -> Run:
        """Resume a run that has failed or was killed, as part of the same attempt."""

        def change(known: Run) -> Run:
            return _going_on(known) if known.state in ("failed", "killed") else known

        return self._change(run, change, "run.reopened", ended=True)

    def resume(self, run: str, lease_s: int | None = None) -> Run:
        """Resume a run that has ended, was killed or has not begun, with or without a lease; a running one is returned as it is.

        Several processes may go on with one run: each counts its own batches, so nothing of any is lost or kept twice.

        Raises:
            Conflict: the run was deleted.
        """
        project, lease = caller().project, None if lease_s is None else _lease(lease_s)

        def change(tx: Tx) -> Run:
            known = find_run(tx, run)
            if known.deleted_at is not None:
                raise deleted_error(run)
            if known.state != "running":
                resumed = _going_on(known)
                store.change(tx, project, known, resumed)
                self._ledger.append(tx, "run.reopened", known.ref, data={**_gist(known), "before": known.state})
            if known.state != "running" or lease is not None:
                store.beat(tx, project, run, lease)
            return find_run(tx, run)

        return self._rows.write(change)

    def delete(self, run: str) -> Run:
        """Delete a run: it is hidden from lists and cannot be written to until it is restored. `purge` removes it."""
        return self._change_deleted(run, lambda known: replace(known, deleted_at=known.deleted_at or self._clock.now()), "deleted")

    def restore(self, run: str) -> Run:
        """Restore a deleted run.

        Raises:
            Conflict: its experiment was deleted.
        """
        return self._change_deleted(run, lambda known: replace(known, deleted_at=None), "restored")

    def _change_deleted(self, run: str, change: Callable[[Run], Run], done: str) -> Run:
        project = caller().project

        def write(tx: Tx) -> Run:
            known = find_run(tx, run)
            changed = change(known)
            if changed != known:
                if changed.deleted_at is None:
                    belonging(tx, known.experiment, self._clock.now())
                store.change(tx, project, known, changed)
                self._ledger.append(tx, f"run.{done}", known.ref, data=_gist(known))
            return changed

        return self._rows.write(write)

    def get(self, run: str) -> Run:
        """The run with this id.

        Raises:
            NotFound: there is none.
        """
        return self._rows.read(lambda tx: find_run(tx, run))

    def compare(self, runs: list[str]) -> list[Difference]:
        """The differences between runs: parameters, latest metrics, tags, code, environment and inputs.

        Raises:
            Invalid: fewer than two runs, or more than 100.
        """
        return differences(*self._side_by_side(runs))

    def comparison(self, runs: list[str]) -> Comparison:
        """Runs side by side: their differences, what they have in common, and the metrics of each.

        Raises:
            Invalid: fewer than two runs, or more than 100.
        """
        return compared(*self._side_by_side(runs))

    def _side_by_side(self, runs: list[str]) -> tuple[list[Run], list[dict[str, Metric]]]:
        if not 2 <= len(runs) <= _COMPARE_MAX:
            raise Invalid(f"{len(runs)} runs cannot be compared", hint=f"name 2 to {_COMPARE_MAX} runs", field="runs")
        project = caller().project
        known = self._rows.read(lambda tx: store.many(tx, project, runs))
        if missing := [run for run in runs if run not in known]:
            raise unknown_run(missing[0])
        return [known[run] for run in runs], [self.metrics(run) for run in runs]

    def _change(self, run: str, change: Callable[[Run], Run], verb: str = "", *, ended: bool = False) -> Run:
        """Change a run; only what truly changed is written and, under `verb`, told to the ledger."""
        project = caller().project

        def write(tx: Tx) -> Run:
            known = find_run(tx, run)
            if known.deleted_at is not None:
                raise deleted_error(run)
            if not ended and known.ended_at is not None and not known.amendable:
                raise ended_error(run)
            changed = change(known)
            if changed != known:
                store.change(tx, project, known, changed)
                self._record_change(tx, verb, known, changed)
            return changed

        return self._rows.write(write)

    def _record_change(self, tx: Tx, verb: str, before: Run, after: Run) -> None:
        used = tuple(ref for ref in after.inputs if ref not in before.inputs)
        made = tuple(ref for ref in after.outputs if ref not in before.outputs)
        if used:
            self._ledger.append(tx, "run.linked", after.ref, inputs=used, outputs=(after.ref,))
        if made or verb != "run.linked":
            data = _what_changed(before, after) if verb in ("run.changed", "run.tagged") else _gist(after)
            self._ledger.append(tx, verb, after.ref, inputs=(after.ref,) if made else (), outputs=made, data=data)


def _going_on(run: Run) -> Run:
    return replace(run, state="running", ended_at=None, error="", spent=None)


def _what_changed(before: Run, after: Run) -> dict[str, Any]:
    """The data of a change event: the keys of parameters and tags, never their values."""
    data: dict[str, Any] = {"experiment": after.experiment, "name": after.name}
    for kind, old, new in (("params", before.params, after.params), ("tags", before.tags, after.tags)):
        if keys := sorted(key for key in old.keys() | new.keys() if old.get(key, ...) != new.get(key, ...)):
            data[kind] = keys[:_TOLD_MAX]
    return data | ({"note": True} if before.note != after.note else {}) | ({"before": before.name} if before.name != after.name else {})


def _linked(run: Run, inputs: list[Ref], outputs: list[Ref]) -> Run:
    return replace(run, inputs=list(dict.fromkeys([*run.inputs, *inputs])), outputs=list(dict.fromkeys([*run.outputs, *outputs])))


def _gist(run: Run) -> dict[str, Any]:
    return {"experiment": run.experiment, "name": run.name, "commit": run.code.commit, "environment": run.environment}


def _lease(lease_s: int) -> int:
    if not 1 <= lease_s <= 86_400:
        raise Invalid(f"a lease of {lease_s} s", hint="1 to 86400 seconds", field="lease_s")
    return lease_s
