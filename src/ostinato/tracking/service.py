"""Runs: the verbs of tracking."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any, Literal

import numpy as np

from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.digest import canonical
from ostinato.kernel.errors import Conflict, Invalid, NotFound
from ostinato.kernel.ids import new_id
from ostinato.kernel.page import Page
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.storage.blobs.blobs import Blob, Blobs
from ostinato.storage.blobs.uploads import Received, Uploads
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.storage.series.points import Points
from ostinato.storage.series.series import Series
from ostinato.tracking import store
from ostinato.tracking.compare import differences
from ostinato.tracking.types import (
    Artifact,
    Code,
    Curve,
    Difference,
    Environment,
    Experiment,
    Metric,
    MetricFrame,
    Run,
    Scalar,
    Spent,
    State,
    number,
    scalar,
)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ /-]{0,199}")
_PAGE_MAX = 1000
_COMPARE_MAX = 100


class Runs:
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

        return self._rows.write(lambda tx: self._add(tx, made, None if lease_s is None else _until(lease_s)))

    def _add(self, tx: Tx, made: Run, alive_until: int | None) -> Run:
        project = caller().project
        known = store.one(tx, project, made.id)
        if known is not None:
            if (known.experiment, known.parent) != (made.experiment, made.parent):
                raise Conflict(f"run {made.id} belongs to the experiment {known.experiment!r}", hint="use another id")
            return known
        if made.parent is not None and not store.exists(tx, project, made.parent):
            _found(None, made.parent)
        store.add(tx, project, made, alive_until)
        self._ledger.append(tx, "run.started", made.ref, inputs=tuple(made.inputs), outputs=(made.ref,), data=_gist(made))
        return made

    def beat(self, run: str, lease_s: int) -> None:
        """Say that the process of a run lives; it is believed for `lease_s` seconds."""
        project = caller().project

        def change(tx: Tx) -> None:
            _found(store.one(tx, project, run), run)
            store.beat(tx, project, run, _until(lease_s))

        self._rows.write(change)

    def log(self, run: str, client: str, seq: int, frame: MetricFrame) -> None:
        """Keep measured points. Each client counts its batches of a run from 0; a repeated batch changes nothing.

        Raises:
            Conflict: the run has ended, or a batch is missing before this one.
            Invalid: the columns of the frame do not fit together.
        """
        project = caller().project
        points = _points(frame)
        self._series.append(project, run, client, seq, points, lambda tx: _open(store.one(tx, project, run), run))

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
        project = caller().project
        return _found(self._rows.read(lambda tx: store.one(tx, project, run)), run)

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
        wanted = {"experiment": experiment, "state": state, "parent": parent}
        return self._rows.read(lambda tx: store.search(tx, project, wanted, order_by, limit, after))

    def experiments(self) -> list[Experiment]:
        """All experiments, by name."""
        project = caller().project
        return self._rows.read(lambda tx: store.experiments(tx, project))

    def metrics(self, run: str) -> dict[str, Metric]:
        """The latest value and the extremes of everything that a run measured."""
        found = self._series.latest(caller().project, self.get(run).id)
        return {
            key: Metric(
                last=number(value.last),
                step=value.step,
                at=datetime.fromtimestamp(value.at / 1e6, UTC),
                min=None if value.min is None else number(value.min),
                max=None if value.max is None else number(value.max),
                n=value.n,
            )
            for key, value in found.items()
        }

    def curve(self, run: str, key: str, after_step: int | None = None, limit: int = 100_000, points: int = 0) -> Curve:
        """The points of one metric beyond `after_step`, in the order of steps; with `points`, about so many with the same look.

        All points of a step come together, so `after_step=curve.steps[-1]` goes on without a gap. An unknown key is empty.
        """
        found = self._series.read(caller().project, self.get(run).id, key, after_step, limit)
        found = found.thinned(points) if points > 0 else found
        values = [number(value) for value in found.value.tolist()]
        return Curve(key=key, steps=found.step.tolist(), times_us=found.at.tolist(), values=values)

    def compare(self, runs: list[str]) -> list[Difference]:
        """In what runs differ: parameters, latest metrics, tags, code, environment and inputs.

        Raises:
            Invalid: fewer than two runs, or more than 100.
        """
        if not 2 <= len(runs) <= _COMPARE_MAX:
            raise Invalid(f"{len(runs)} runs cannot be compared", hint=f"name 2 to {_COMPARE_MAX} runs", field="runs")
        return differences([self.get(run) for run in runs], [self.metrics(run) for run in runs])

    def put_artifact(self, run: str, path: str, content: bytes) -> Artifact:
        """Keep a file under a path within the run, in the place of an earlier one while the run is running.

        Raises:
            Conflict: the run has ended, and has no such file of the same content.
            Invalid: the path is not relative, or leaves the run.
        """
        return self._keep_artifact(run, _path(path), self._blobs.put(content))

    def send_part(self, upload: str, start: int, content: bytes) -> Received:
        """Send a large artifact in parts of at most 64 MiB, each durable; `upload` is the BLAKE3 digest of all its bytes.

        Raises:
            Invalid: `upload` is no digest, or the part is empty or begins below 0.
            TooLarge: the part is too large, or too much is under way in the project.
        """
        return self._uploads.keep(upload, start, content)

    def received(self, upload: str) -> Received:
        """Which parts of a large artifact have arrived: after an interruption, send the others."""
        return self._uploads.received(upload)

    def put_artifact_sent(self, run: str, path: str, upload: str, size: int) -> Artifact:
        """Keep as a file what was sent in parts, `size` bytes together; otherwise like `put_artifact`.

        Raises:
            NotFound: nothing of the upload has arrived, or it was forgotten, a day after its last part.
            Conflict: a part is missing, or the run has ended.
            Invalid: the parts are not the bytes that the upload is called by, or the path leaves the run.
        """
        _open(self.get(run), run)
        return self._keep_artifact(run, _path(path), self._uploads.finish(upload, size))

    def _keep_artifact(self, run: str, path: str, blob: Blob) -> Artifact:
        project = caller().project
        kept = Artifact(path=path, digest=blob.digest, size=blob.size, kept_at=self._clock.now())

        def change(tx: Tx) -> Artifact:
            known = store.artifact(tx, project, run, path)
            if known is not None and known.digest == kept.digest:
                return known
            _open(store.one(tx, project, run), run)
            store.put_artifact(tx, project, run, kept)
            return kept

        return self._rows.write(change)

    def artifact(self, run: str, path: str, start: int = 0, size: int | None = None) -> bytes:
        """The content of a file of a run, or `size` bytes of it from `start` on, so that a large one need not come at once."""
        known = {found.path: found for found in self.artifacts(run)}
        if path not in known:
            raise NotFound.named("artifact", path, known)
        if start < 0 or (size is not None and size < 0):
            raise Invalid("a part begins at 0 or later and has a size", field="start")
        return self._blobs.open(known[path].digest, start, size)

    def artifacts(self, run: str) -> list[Artifact]:
        """The files of a run, by path."""
        project = caller().project
        self.get(run)
        return self._rows.read(lambda tx: store.artifacts(tx, project, run))

    def _change(self, run: str, change: Callable[[Run], Run], verb: str = "", *, ended: bool = False) -> Run:
        """Change a run; only what truly changed is written and, under `verb`, told to the ledger."""
        project = caller().project

        def write(tx: Tx) -> Run:
            known = _found(store.one(tx, project, run), run)
            if not ended:
                _open(known, run)
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


def _found(run: Run | None, name: str) -> Run:
    if run is None:
        raise NotFound(f"no run {name!r}", hint="runs.search() lists the runs of this project")
    return run


def _open(run: Run | None, name: str) -> None:
    """A run whose process was given up may go on if it comes back; one that has ended may not."""
    if _found(run, name).ended_at is not None:
        raise Conflict(f"run {name} has ended", hint="start another run")


def _linked(run: Run, inputs: list[Ref], outputs: list[Ref]) -> Run:
    return replace(run, inputs=list(dict.fromkeys([*run.inputs, *inputs])), outputs=list(dict.fromkeys([*run.outputs, *outputs])))


def _gist(run: Run) -> dict[str, Any]:
    return {"experiment": run.experiment, "name": run.name, "commit": run.code.commit, "environment": run.environment}


def _until(lease_s: int) -> int:
    if not 1 <= lease_s <= 86_400:
        raise Invalid(f"a lease of {lease_s} s", hint="1 to 86400 seconds", field="lease_s")
    return int(time.time()) + lease_s


def _path(path: str) -> str:
    pure = PurePosixPath(path)
    if not path or len(path) > 500 or pure.is_absolute() or ".." in pure.parts or str(pure) != path or not path.isprintable():
        raise Invalid(f"not a path within a run: {path!r}", hint="relative, with single slashes and without '..'", field="path")
    return path


def _points(frame: MetricFrame) -> Points:
    def column(data: bytes, kind: Literal["<u4", "<i8", "<f8"], name: str) -> Any:
        try:
            return np.frombuffer(data, kind)
        except ValueError as error:
            raise Invalid(f"the column is cut: {error}", field=f"frame.{name}") from error

    if any(not key or len(key) > 200 or not key.isprintable() for key in frame.keys):
        raise Invalid("a metric is called by 1 to 200 printable characters", field="frame.keys")
    return Points(
        keys=frame.keys,
        key=column(frame.key, "<u4", "key"),
        step=column(frame.steps, "<i8", "steps"),
        at=column(frame.times_us, "<i8", "times_us"),
        value=column(frame.values, "<f8", "values"),
    )
