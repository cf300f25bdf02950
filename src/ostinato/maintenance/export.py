"""Export of experiments and models from a store, in process or remote, into one archive."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ostinato.app import Ostinato
from ostinato.kernel.errors import Invalid, NotFound
from ostinato.kernel.frozen import frozen
from ostinato.maintenance.archive import (
    FORMAT,
    POINT,
    CandidateRecord,
    EnvironmentRecord,
    File,
    Head,
    ModelRecord,
    Part,
    RunRecord,
    VersionRecord,
    Writer,
    encoded,
)
from ostinato.tracking.types import Candidate, Experiment, MetricFrame, Run

_PART = 16 << 20
_FRAME = 200_000
_BATCH = 500
_BATCH_BYTES = 8 << 20

Say = Callable[[str], object]


@frozen
class Exported:
    """The result of an export: what went into the archive, and its digest; `left` says what did not, and why."""

    archive: str
    experiments: int = 0
    runs: int = 0
    points: int = 0
    candidates: int = 0
    models: int = 0
    versions: int = 0
    evaluations: int = 0
    blobs: int = 0
    size: int = 0
    left: list[str] = field(default_factory=list)


def export(
    app: Ostinato, path: Path, *, experiments: Sequence[str] = (), models: Sequence[str] = (), say: Say = lambda _: None
) -> Exported:
    """Export experiments and models, by name, with all their data, into the new file `path`.

    `app` is a store opened in process, or what `connect` gives. Runs that go on, and what was deleted, are left out. Memory does not grow
    with points and files, only with their number, by a few hundred bytes each.

    Raises:
        NotFound: there is no such experiment or model.
        Conflict: there is a file of that name.
        Invalid: nothing was asked for.
    """
    if not experiments and not models:
        raise Invalid("say what to export", hint="--experiment NAME or --model NAME, each as often as you like")
    writer = Writer(path)
    try:
        return _Export(app, writer, say).all(list(dict.fromkeys(experiments)), list(dict.fromkeys(models)))
    except BaseException:
        writer.abort()
        raise


class _Export:
    """One export: what went into the archive already, so that shared contents lie there once."""

    def __init__(self, app: Ostinato, writer: Writer, say: Say) -> None:
        self._app = app
        self._writer = writer
        self._say = say
        self._blobs: dict[str, File] = {}
        self._environments: dict[str, EnvironmentRecord] = {}
        self._evaluations: dict[str, Any] = {}
        self._done = Exported(archive="")

    def all(self, experiments: Sequence[str], models: Sequence[str]) -> Exported:
        """Everything, and what the archive says of itself."""
        parts = [self._experiment(number, name) for number, name in enumerate(experiments, 1)]
        named = [self._model(number, name) for number, name in enumerate(models, 1)]
        self._writer.lines("environments.jsonl", self._environments.values())
        self._writer.lines("evaluations.jsonl", self._evaluations.values())
        who = self._app.access.whoami()
        head = Head(
            format=FORMAT, made_at=self._app.clock.now(), made_by=who.actor, store=self._app.ledger.key(), project=who.project,
            experiments=parts, models=named, members=self._writer.members,
        )  # fmt: skip
        self._count(blobs=len(self._blobs), size=sum(found.size for found in self._blobs.values()))
        self._count(experiments=len(parts), models=len(named), evaluations=len(self._evaluations))
        return replace(self._done, archive=self._writer.finish(head))

    # ---- experiments

    def _experiment(self, number: int, name: str) -> Part:
        of, folder = self._app.runs.experiment(name), f"experiments/{number}"
        if of.deleted_at is not None:
            raise NotFound(f"the experiment {of.name!r} was deleted", hint="restore it first")
        self._writer.lines(f"{folder}/experiment.jsonl", [of])
        runs = batches = 0
        for batch in _batches(self._runs(of)):
            batches += 1
            runs += len(batch)
            records: list[RunRecord] = []
            self._writer.add(f"{folder}/points-{batches}.bin", self._points(batch, records))
            records = [self._filed(record) for record in records]
            self._writer.lines(f"{folder}/runs-{batches}.jsonl", records)
            self._say(f"{of.name}: {runs} runs")
        self._writer.lines(f"{folder}/candidates.jsonl", [self._candidate(found) for found in self._candidates(of)])
        return Part(name=of.name, folder=folder, things=runs, batches=batches)

    def _runs(self, of: Experiment) -> Iterator[Run]:
        after = None
        while True:
            page = self._app.runs.search(experiment=of.name, order_by="started_at", limit=_BATCH, after=after)
            for run in page.items:
                if run.ended_at is None:
                    self._leave(f"run {run.id} goes on")
                    continue
                try:
                    encoded(run)
                except Invalid as error:
                    self._leave(f"run {run.id}: {error}")
                    continue
                yield run
            if page.next is None:
                return
            after = page.next

    def _points(self, runs: Sequence[Run], records: list[RunRecord]) -> Iterator[bytes]:
        """The points of runs one after the other; what is known of each then goes into `records`."""
        for run in runs:
            measured = self._app.runs.metrics(run.id)
            keys, points = list(measured), 0
            whole = sum(metric.n for metric in measured.values()) <= _FRAME
            for frame in [self._app.runs.frame(run.id, limit=_FRAME)] if whole else self._pages(run, keys):
                points += len(frame.key) // 4
                yield _packed(frame, keys)
            self._count(runs=1, points=points)
            records.append(RunRecord(run=run, keys=keys, points=points))

    def _pages(self, run: Run, keys: Sequence[str]) -> Iterator[MetricFrame]:
        for key in keys:
            after: int | None = None
            while (frame := self._app.runs.frame(run.id, key, after_step=after, limit=_FRAME)).key:
                yield frame
                after = int(np.frombuffer(frame.steps, "<i8")[-1])

    def _filed(self, record: RunRecord) -> RunRecord:
        run = record.run
        if run.environment and run.environment not in self._environments:
            environment = self._app.runs.story(run.id).environment
            if environment is not None:
                self._environments[run.environment] = EnvironmentRecord(digest=run.environment, environment=environment)
        files = [
            self._file(found.path, found.digest, found.size, partial(self._app.runs.artifact, run.id, found.path, size=_PART))
            for found in self._app.runs.artifacts(run.id)
        ]
        return replace(record, files=files, sources=self._app.runs.sources([run.id]).get(run.id, []))

    def _candidates(self, of: Experiment) -> Iterator[Candidate]:
        after = None
        while True:
            page = self._app.runs.candidates(where=[f'experiment_id = "{of.id}"'], order_by="created_at", limit=_BATCH, after=after)
            yield from page.items
            if page.next is None:
                return
            after = page.next

    def _candidate(self, found: Candidate) -> CandidateRecord:
        files = [
            self._file(kept.path, kept.digest, kept.size, partial(self._app.runs.candidate_artifact, found.id, kept.path, size=_PART))
            for kept in self._app.runs.candidate_artifacts(found.id)
        ]
        self._count(candidates=1)
        return CandidateRecord(candidate=found, files=files)

    # ---- models

    def _model(self, number: int, name: str) -> Part:
        of, folder = self._app.models.model(name), f"models/{number}"
        record = ModelRecord(model=of, labels=self._app.models.labels(of.name), notes=self._app.models.notes(of.name))
        self._writer.lines(f"{folder}/model.jsonl", [record])
        aliases = sorted({mark.alias for mark in self._app.models.story(of.name).moves})
        moves = [move for alias in aliases for move in self._app.models.moves(of.name, alias)]
        records = []
        for version in self._app.models.versions(of.name):
            ref = f"{of.name}@{version.version}"
            files = [
                self._file(kept.path, kept.digest, kept.size, partial(self._app.models.file, ref, kept.path, size=_PART))
                for kept in self._app.models.files(ref)
            ]
            whole = self._file("", version.artifact, None, partial(self._artifact, ref))
            of_version = [move for move in moves if move.version == version.version]
            records.append(
                VersionRecord(version=version, labels=self._app.models.labels(ref), artifact=whole, files=files, moves=of_version)
            )
            for evaluation in [*self._app.evaluations.of(version.ref), *self._of_run(version.evaluation)]:
                self._evaluations[evaluation.id] = evaluation
            self._count(versions=1)
        self._writer.lines(f"{folder}/versions.jsonl", records)
        self._say(f"{of.name}: {len(records)} versions")
        return Part(name=of.name, folder=folder, things=len(records), batches=1)

    def _artifact(self, ref: str, start: int) -> bytes:
        return self._app.models.artifact(ref) if start == 0 else b""

    def _of_run(self, evaluation: str | None) -> Iterable[Any]:
        return [] if evaluation is None else [self._app.evaluations.get(evaluation)]

    # ---- contents

    def _file(self, path: str, digest: str, size: int | None, part: Callable[..., bytes]) -> File:
        """A file, whose content is fetched part by part unless the archive has it already."""
        if digest not in self._blobs:
            blob, member = self._writer.blob(_fetched(part, size))
            if size is not None and member.size != size:
                raise Invalid(f"{path} changed while it was read", hint="export again")
            self._blobs[digest] = File(path="", blob=blob, digest=member.digest, size=member.size)
        return replace(self._blobs[digest], path=path)

    def _count(self, **more: int) -> None:
        self._done = replace(self._done, **{name: getattr(self._done, name) + n for name, n in more.items()})

    def _leave(self, what: str) -> None:
        self._done = replace(self._done, left=[*self._done.left, what])


def _fetched(part: Callable[..., bytes], size: int | None) -> Iterator[bytes]:
    start = 0
    while size is None or start < size:
        piece = part(start=start)
        if not piece:
            return
        yield piece
        start += len(piece)


def _batches(runs: Iterable[Run]) -> Iterator[list[Run]]:
    batch: list[Run] = []
    size = 0
    for run in runs:
        batch.append(run)
        size += len(encoded(run))
        if len(batch) >= _BATCH or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _packed(frame: MetricFrame, keys: Sequence[str]) -> bytes:
    """Points as records; a key is its place among `keys`."""
    places = {key: place for place, key in enumerate(keys)}
    index = np.array([places[key] for key in frame.keys], "<u4")
    records = np.empty(len(frame.key) // 4, POINT)
    records["key"] = index[np.frombuffer(frame.key, "<u4")] if len(records) else 0
    for name, column, kind in (("step", frame.steps, "<i8"), ("at_us", frame.times_us, "<i8"), ("value", frame.values, "<f8")):
        records[name] = np.frombuffer(column, kind)
    return records.tobytes()
