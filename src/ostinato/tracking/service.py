"""Runs: the verbs of tracking."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.digest import canonical
from ostinato.kernel.errors import Conflict, Invalid
from ostinato.kernel.ids import new_id
from ostinato.kernel.page import Page
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.storage.blobs.blobs import Blobs
from ostinato.storage.blobs.uploads import Uploads
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.storage.series.series import Series
from ostinato.tracking import store
from ostinato.tracking.artifacts import Artifacts
from ostinato.tracking.compare import compared, differences
from ostinato.tracking.curves import Curves
from ostinato.tracking.find import find_run, over, unknown
from ostinato.tracking.story import Stories
from ostinato.tracking.table import RunTable
from ostinato.tracking.types import Code, Comparison, Difference, Environment, Experiment, Metric, Run, Scalar, Spent, State, scalar

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ /-]{0,199}")
_PAGE_MAX = 1000
_COMPARE_MAX = 100


class Runs(Curves, Artifacts, RunTable, Stories):
    """The runs of a project: started, fed, linked to what they used and made, and finished."""

    def __init__(self, *, rows: Rows, blobs: Blobs, series: Series, ledger: Ledger, clock: Clock) -> None:
        self._rows = rows
        self._blobs = blobs
        self._uploads = Uploads(blobs, rows)
        self._series = series
        self._ledger = ledger
        self._clock = clock

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
    ) -> Run:
        """Start a run; with the `id` of a run of the same experiment, give that run back, whatever its state.

        With `lease_s`, the run counts as killed once that many seconds pass without a `beat`.

        Raises:
            Conflict: the id belongs to a run of another experiment or parent.
            NotFound: there is no run `parent`.
        """
        if not _NAME.fullmatch(experiment):
            raise Invalid(f"not a name of an experiment: {experiment!r}", hint="letters, digits, . _ - / and blanks", field="experiment")
        made = Run(
            id=Ref("run", id or new_id()).name,
            experiment=experiment,
            name=name or experiment,
            state="running",
            parent=parent,
            params={key: scalar(value) for key, value in (params or {}).items()},
            tags=dict(tags or {}),
            inputs=list(inputs or []),
            outputs=[],
            code=code or Code(),
            environment=self._blobs.put(canonical(asdict(environment))).digest if environment else None,
            started_at=self._clock.now(),
            started_by=caller().actor,
            ended_at=None,
            error="",
        )

        return self._rows.write(lambda tx: self._add(tx, made, None if lease_s is None else _lease(lease_s)))

    def _add(self, tx: Tx, made: Run, lease_s: int | None) -> Run:
        project = caller().project
        known = store.one(tx, project, made.id)
        if known is not None:
            if (known.experiment, known.parent) != (made.experiment, made.parent):
                raise Conflict(f"run {made.id} belongs to the experiment {known.experiment!r}", hint="use another id")
            return known
        if made.parent is not None and not store.exists(tx, project, made.parent):
            raise unknown(made.parent)
        store.add(tx, project, made, lease_s)
        self._ledger.append(tx, "run.started", made.ref, inputs=tuple(made.inputs), outputs=(made.ref,), data=_gist(made))
        return made

    def beat(self, run: str, lease_s: int) -> None:
        """Say that the process of a run lives; it is believed for `lease_s` seconds."""
        project = caller().project

        def change(tx: Tx) -> None:
            find_run(tx, run)
            store.beat(tx, project, run, _lease(lease_s))

        self._rows.write(change)

    def params(self, run: str, values: dict[str, Scalar]) -> Run:
        """Add parameters. A parameter never changes its value.

        Raises:
            Conflict: a parameter has another value already, or the run has ended.
        """
        given = {key: scalar(value) for key, value in values.items()}

        def change(known: Run) -> Run:
            if changed := [key for key, value in given.items() if key in known.params and known.params[key] != value]:
                raise Conflict(f"{', '.join(changed)} of run {run} would change", hint="start another run for other parameters")
            return replace(known, params=known.params | given)

        return self._change(run, change)

    def tag(self, run: str, tags: dict[str, str | None]) -> Run:
        """Set tags, or remove those set to None; ended runs can be tagged as well."""
        return self._change(
            run,
            lambda known: replace(known, tags={key: value for key, value in (known.tags | tags).items() if value is not None}),
            ended=True,
        )

    def link(self, run: str, inputs: list[Ref] | None = None, outputs: list[Ref] | None = None) -> Run:
        """Record what a run used and what it made: its lineage."""
        return self._change(run, lambda known: _linked(known, inputs or [], outputs or []), "run.linked")

    def finish(
        self, run: str, state: State = "finished", outputs: list[Ref] | None = None, error: str = "", spent: Spent | None = None
    ) -> Run:
        """End a run, with what it made, what it cost and, if it failed, one line of why. A repeat gives the ended run back.

        Raises:
            Conflict: the run has ended in another state.
        """
        if state == "running":
            raise Invalid("a run does not end as running", hint="finished, failed or killed", field="state")

        def change(known: Run) -> Run:
            if known.ended_at is not None:
                if known.state != state:
                    raise Conflict(f"run {run} has ended already: {known.state}")
                return known
            linked = _linked(known, [], outputs or [])
            return replace(linked, state=state, ended_at=self._clock.now(), error=error, spent=spent)

        ended = self._change(run, change, f"run.{state}", ended=True)
        self._series.compact(caller().project, run)
        return ended

    def reopen(self, run: str) -> Run:
        """Let a run that has failed or was killed go on, as part of the same try."""

        def change(known: Run) -> Run:
            if known.state not in ("failed", "killed"):
                return known
            return replace(known, state="running", ended_at=None, error="", spent=None)

        return self._change(run, change, "run.reopened", ended=True)

    def get(self, run: str) -> Run:
        """The run with this id.

        Raises:
            NotFound: there is none.
        """
        return self._rows.read(lambda tx: find_run(tx, run))

    def search(
        self,
        experiment: str | None = None,
        state: State | None = None,
        parent: str | None = None,
        order_by: str = "-started_at",
        limit: int = 100,
        after: str | None = None,
    ) -> Page[Run]:
        """Runs, newest first, or by `started_at`, `ended_at` or the latest `metrics.<key>`; `-` before it means descending.

        Ordered by a metric, only runs that have measured it appear. `limit` is at most 1000.
        """
        if not 1 <= limit <= _PAGE_MAX:
            raise Invalid(f"limit {limit} is not between 1 and {_PAGE_MAX}", hint="follow `next` for more", field="limit")
        project = caller().project
        if order_by.removeprefix("-").startswith("metrics."):
            self._series.settle(project)
        wanted = {"experiment": experiment, "state": state, "parent": parent}
        return self._rows.read(lambda tx: store.search(tx, project, wanted, order_by, limit, after))

    def experiments(self) -> list[Experiment]:
        """All experiments, by name."""
        project = caller().project
        return self._rows.read(lambda tx: store.experiments(tx, project))

    def compare(self, runs: list[str]) -> list[Difference]:
        """In what runs differ: parameters, latest metrics, tags, code, environment and inputs.

        Raises:
            Invalid: fewer than two runs, or more than 100.
        """
        return differences(*self._side_by_side(runs))

    def comparison(self, runs: list[str]) -> Comparison:
        """Runs side by side: in what they differ, what they have in common, and the metrics of each.

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
            raise unknown(missing[0])
        return [known[run] for run in runs], [self.metrics(run) for run in runs]

    def _change(self, run: str, change: Callable[[Run], Run], verb: str = "", *, ended: bool = False) -> Run:
        """Change a run; only what truly changed is written and, under `verb`, told to the ledger."""
        project = caller().project

        def write(tx: Tx) -> Run:
            known = find_run(tx, run)
            if not ended and known.ended_at is not None:
                raise over(run)
            changed = change(known)
            if changed != known:
                store.change(tx, project, changed)
                if verb:
                    self._tell(tx, verb, known, changed)
            return changed

        return self._rows.write(write)

    def _tell(self, tx: Tx, verb: str, before: Run, after: Run) -> None:
        used = tuple(ref for ref in after.inputs if ref not in before.inputs)
        made = tuple(ref for ref in after.outputs if ref not in before.outputs)
        if used:
            self._ledger.append(tx, "run.linked", after.ref, inputs=used, outputs=(after.ref,))
        if made or verb != "run.linked":
            self._ledger.append(tx, verb, after.ref, inputs=(after.ref,) if made else (), outputs=made, data=_gist(after))


def _linked(run: Run, inputs: list[Ref], outputs: list[Ref]) -> Run:
    return replace(run, inputs=list(dict.fromkeys([*run.inputs, *inputs])), outputs=list(dict.fromkeys([*run.outputs, *outputs])))


def _gist(run: Run) -> dict[str, Any]:
    return {"experiment": run.experiment, "name": run.name, "commit": run.code.commit, "environment": run.environment}


def _lease(lease_s: int) -> int:
    if not 1 <= lease_s <= 86_400:
        raise Invalid(f"a lease of {lease_s} s", hint="1 to 86400 seconds", field="lease_s")
    return lease_s
