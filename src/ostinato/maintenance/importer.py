"""Import of an archive into a store, in process or remote. It is idempotent: a repeat continues where the last one ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import field, replace
from pathlib import Path
from typing import IO, Any

import numpy as np

from ostinato.app import Ostinato
from ostinato.evaluation.types import Evaluation
from ostinato.kernel.errors import Conflict, Corrupt, GateFailed, Invalid, NotFound, OstinatoError, TooLarge
from ostinato.kernel.frozen import frozen
from ostinato.maintenance.archive import (
    POINT,
    POINT_BYTES,
    CandidateRecord,
    EnvironmentRecord,
    File,
    ModelRecord,
    Part,
    Reader,
    RunRecord,
    VersionRecord,
)
from ostinato.registry.types import FolderFile
from ostinato.storage.blobs.sending import PART_BYTES
from ostinato.tracking.types import Environment, Experiment, MetricFrame, Run

_WHOLE_MAX = 16 << 20
_SLICE = 50_000
_REFUSALS = (Invalid, Conflict, NotFound, TooLarge, GateFailed)
"""What is wrong with one thing, and not with the archive, the caller or the store."""

Say = Callable[[str], object]


@frozen
class Imported:
    """What an archive, with its digest, brought; `known` runs were here already. `left` says what did not come along, as it is not to, and
    `refused` which models and versions did not come although they should have; and why."""

    archive: str
    experiments: int = 0
    runs: int = 0
    known: int = 0
    points: int = 0
    candidates: int = 0
    models: int = 0
    versions: int = 0
    evaluations: int = 0
    left: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def take_in(app: Ostinato, path: Path, *, say: Say = lambda _: None) -> Imported:
    """Import everything in the archive `path`; `app` is a store opened in process or remote.

    Before anything is written, all of the archive but the contents of files is held against its digests; these are when they come. Ids stay
    as they are. What is here already is known and stays as it is; a repeat doubles nothing. Approvals are told in the ledger and count for
    nothing; an alias moves where the model needs no approval. A model or a version that is refused keeps nothing else from coming; a repeat
    tries it again.

    Raises:
        NotFound: there is no such file.
        Invalid, Corrupt, TooLarge: it is no archive, is damaged or lies.
        Conflict: something else is here under the name or id of an experiment or run; the hint says what helps. What came before stays, and
            a repeat goes on.
        Denied: the caller may not import.
    """
    with Reader(path) as reader:
        reader.verify()
        say(f"archive {reader.digest}, made {reader.head.made_at:%Y-%m-%d} by {reader.head.made_by}")
        return _Intake(app, reader, say).all()


class _Intake:
    """One import."""

    def __init__(self, app: Ostinato, reader: Reader, say: Say) -> None:
        self._app = app
        self._reader = reader
        self._say = say
        self._done = Imported(archive=reader.digest)
        self._environments: dict[str, Environment] = {}

    def all(self) -> Imported:
        """Everything: environments and evaluations first, for others name them."""
        for record in self._reader.lines("environments.jsonl", EnvironmentRecord):
            self._environments[record.digest] = record.environment
        for part in self._reader.head.experiments:
            self._experiment(part)
        for evaluation in self._reader.lines("evaluations.jsonl", Evaluation):
            self._evaluation(evaluation)
        for part in self._reader.head.models:
            self._model(part)
        return self._done

    # ---- experiments

    def _experiment(self, part: Part) -> None:
        (of,) = self._reader.lines(f"{part.folder}/experiment.jsonl", Experiment)
        self._app.runs.adopt_experiment(of, self._done.archive)
        self._count(experiments=1)
        for batch in range(1, part.batches + 1):
            with self._reader.stream(f"{part.folder}/points-{batch}.bin") as points:
                for record in self._reader.lines(f"{part.folder}/runs-{batch}.jsonl", RunRecord):
                    self._run(record, points)
            self._say(f"{of.name}: {self._done.runs} runs, {self._done.known} were here")
        for found in self._reader.lines(f"{part.folder}/candidates.jsonl", CandidateRecord):
            self._candidate(found)

    def _run(self, record: RunRecord, points: IO[bytes]) -> None:
        """A run: made, filled, then what it was. Its points are read in any case, for those of the next follow them."""
        run, frames = record.run, _frames(record, points)
        environment = self._environments.get(run.environment or "")
        try:
            there = self._app.runs.adopt(run, self._done.archive, environment)
        except Conflict:
            if not self._same(record):
                raise
            there = True
        for seq, frame in enumerate(frames):
            if not there:
                self._app.runs.log(run.id, f"archive:{self._done.archive[:32]}", seq, frame)
        if there:
            self._count(known=1)
            return
        self._files(run.id, record.files, self._app.runs.put_artifact, self._app.runs.put_artifact_sent)
        if record.sources:
            self._app.runs.use(run.id, [replace(use, source=replace(use.source, id="")) for use in record.sources])
        self._app.runs.adopt(run, self._done.archive, environment, whole=True)
        self._count(runs=1, points=record.points)

    def _same(self, record: RunRecord) -> bool:
        """Whether the run of this id that was made here is this very run, as far as it never changes."""
        try:
            known = self._app.runs.get(record.run.id)
        except NotFound:
            return False
        files = {(found.path, found.size) for found in self._app.runs.artifacts(known.id)}
        points = sum(metric.n for metric in self._app.runs.metrics(known.id).values())
        return _fixed(known) == _fixed(record.run) and points == record.points and files == {(f.path, f.size) for f in record.files}

    def _candidate(self, record: CandidateRecord) -> None:
        found = record.candidate
        try:
            there = self._app.runs.adopt_candidate(found, self._done.archive)
        except Conflict:
            known = self._app.runs.candidate(found.id)
            if (known.run, known.name, known.created_at) != (found.run, found.name, found.created_at):
                raise
            there = True
        if not there:
            self._files(found.id, record.files, self._app.runs.put_candidate_artifact, self._app.runs.put_candidate_artifact_sent)
            self._app.runs.adopt_candidate(found, self._done.archive, whole=True)
            self._count(candidates=1)

    def _files(self, holder: str, files: list[File], put: Callable[..., Any], put_sent: Callable[..., Any]) -> None:
        for found in files:
            if found.size <= _WHOLE_MAX:
                put(holder, found.path, b"".join(self._reader.blob(found)))
            else:
                put_sent(holder, found.path, self._sent(found, self._app.runs), found.size)

    # ---- models

    def _evaluation(self, record: Evaluation) -> None:
        made = self._app.evaluations.record(record.subject, record.data, record.report, record.datasets)
        if made.id != record.id:
            raise Corrupt(f"evaluation {record.id} of the archive is not what its id says", hint="export it again")
        self._count(evaluations=1)

    def _model(self, part: Part) -> None:
        (record,) = self._reader.lines(f"{part.folder}/model.jsonl", ModelRecord)
        try:
            of = self._app.models.adopt_model(record.model, self._done.archive, record.labels, record.notes)
        except _REFUSALS as error:
            self._refuse(f"model {record.model.name} with its {part.things} versions", error)
            return
        self._count(models=1)
        for version in self._reader.lines(f"{part.folder}/versions.jsonl", VersionRecord):
            self._version(version)
        for alias, number in sorted(record.model.aliases.items()):
            if alias in of.aliases:
                continue
            try:
                self._app.models.promote(f"{of.name}@{number}", alias, reason=f"as in the archive {self._done.archive[:16]}")
            except OstinatoError as error:
                self._leave(f"{of.name}@{alias} named version {number}: {error}; check, approve and promote it here")
        self._say(f"{of.name}: {part.things} versions")

    def _version(self, record: VersionRecord) -> None:
        artifact = "" if record.files else self._uploaded(record.artifact)
        files = [FolderFile(path=found.path, digest=self._uploaded(found), size=found.size) for found in record.files]
        try:
            self._app.models.adopt_version(record.version, self._done.archive, artifact, files, record.labels, record.moves)
        except _REFUSALS as error:
            self._refuse(f"version {record.version.model}@{record.version.version}", error)
        else:
            self._count(versions=1)

    def _uploaded(self, found: File) -> str:
        if found.size <= _WHOLE_MAX:
            return self._app.models.upload(b"".join(self._reader.blob(found)))
        return self._app.models.upload_sent(self._sent(found, self._app.models), found.size)

    # ---- contents

    def _sent(self, found: File, face: Any) -> str:
        """Send a large content in parts; what arrived before is not sent again. It is called by its digest, which is proved in the end."""
        arrived = {(span.start, span.size) for span in face.received(found.digest).parts}
        for start, part in _parts(self._reader.blob(found)):
            if (start, len(part)) not in arrived:
                face.send_part(found.digest, start, part)
        return found.digest

    def _count(self, **more: int) -> None:
        self._done = replace(self._done, **{name: getattr(self._done, name) + n for name, n in more.items()})

    def _leave(self, what: str) -> None:
        self._done = replace(self._done, left=[*self._done.left, what])

    def _refuse(self, what: str, why: OstinatoError) -> None:
        said = f"{what}: {why}" + (f"; {why.hint}" if why.hint else "")
        self._done = replace(self._done, refused=[*self._done.refused, said])


def _fixed(run: Run) -> tuple[Any, ...]:
    return (
        run.id,
        run.experiment_id,
        run.parent,
        run.params,
        run.state,
        run.started_at,
        run.started_by,
        run.ended_at,
        run.code,
        run.inputs,
    )


def _frames(record: RunRecord, points: IO[bytes]) -> Iterator[MetricFrame]:
    """The points of a run in frames that are the same each time, read on from where those of the run before ended."""
    left = record.points
    while left > 0:
        wanted = min(left, _SLICE) * POINT_BYTES
        content = points.read(wanted)
        if len(content) != wanted:
            raise Corrupt(f"points of run {record.run.id} are missing from the archive", hint="export it again")
        found = np.frombuffer(content, POINT)
        if int(found["key"].max()) >= len(record.keys):
            raise Corrupt(f"a point of run {record.run.id} has a key that is none", hint="export it again")
        left -= len(found)
        yield MetricFrame(
            keys=record.keys, key=found["key"].tobytes(), steps=found["step"].tobytes(), times_us=found["at_us"].tobytes(),
            values=found["value"].tobytes(),
        )  # fmt: skip


def _parts(pieces: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    """A content in parts as they are sent, each with where it begins."""
    part, start = bytearray(), 0
    for piece in pieces:
        part += piece
        if len(part) >= PART_BYTES:
            yield start, bytes(part[:PART_BYTES])
            start += PART_BYTES
            del part[:PART_BYTES]
    if part:
        yield start, bytes(part)
