"""Backup: a copy of a store as of one instant, made while it is written to; what an earlier backup holds is not copied again."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ostinato.keeping.files import BLOBS, DATABASE, KEY, SECRETS, held, in_bucket, kept, opened
from ostinato.keeping.history import verified
from ostinato.keeping.manifest import File, Manifest
from ostinato.keeping.references import declared
from ostinato.kernel.errors import Corrupt, Invalid
from ostinato.storage.blobs.chosen import copy
from ostinato.storage.blobs.local import Local
from ostinato.storage.rows import file

_PIECE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A backup that was made: its manifest, what it holds (`size` in bytes), and how many bytes had to be copied.

    `ok` is false if the store had lost or damaged blobs; `problems` names them. The rest is in the backup.
    """

    ok: bool
    manifest: str
    files: int
    blobs: int
    size: int
    copied: int
    events: int
    problems: list[str]


def backup(data: Path, target: Path) -> Backup:
    """Back up the store in `data` into the folder `target`, beside earlier backups of it.

    First the rows, inside one read transaction; then the other databases, the logs of predictions, the keys and all blobs. A row names
    only what was durable before it, so all that the rows name is there; blobs in a bucket stay where they are. The manifest comes
    last: without it there is no backup.

    Raises:
        NotFound: there is no store in `data`.
        Invalid: one of the two folders lies within the other.
        Corrupt: the database is damaged or the ledger was tampered with; a backup of it could not be restored, and is not made.
        Conflict: a collection of blobs is under way.
    """
    data, target = opened(data).resolve(), target.resolve()
    if data.is_relative_to(target) or target.is_relative_to(data):
        raise Invalid(f"{target} and {data} lie within one another", hint="back up to a folder elsewhere, best on another disk")
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    (target / BLOBS).mkdir(exist_ok=True)
    (target / BLOBS).chmod(0o700)
    with held(data, alone=False), tempfile.TemporaryDirectory(dir=target, prefix=".under-way-") as beside:
        made = _Copying(data, Local(target / BLOBS), Path(beside))
        return made.run(target)


class _Copying:
    """One backup under way. Everything becomes a blob of the target; `beside` holds the copies of databases until then."""

    def __init__(self, data: Path, target: Local, beside: Path) -> None:
        self._data = data
        self._target = target
        self._beside = beside
        self._files: dict[str, File] = {}
        self._blobs: dict[str, int] = {}
        self._there = {blob.digest: blob.size for blob in target.all()}
        self._copied = 0
        self._problems: list[str] = []

    def run(self, target: Path) -> Backup:
        made_at = datetime.now(UTC).isoformat(timespec="microseconds")
        rows = self._database(self._data / DATABASE)
        self._keep_files()
        events, head = self._ledger(rows)
        self._keep_blobs()
        self._miss(rows)
        revision = file.revision(rows)
        manifest = Manifest(
            made_at=made_at, revision=revision or 0, events=events, head=head, files=sorted(self._files.values(), key=lambda f: f.path),
            blobs=self._blobs, problems=self._problems,
        )  # fmt: skip
        return Backup(
            ok=not self._problems, manifest=str(manifest.write(target)), files=len(self._files), blobs=len(self._blobs),
            size=sum(f.size for f in self._files.values()) + sum(self._blobs.values()), copied=self._copied, events=events,
            problems=self._problems,
        )  # fmt: skip

    def _database(self, path: Path) -> Path:
        """Take a copy of a database; returns where it lies."""
        copied = self._beside / f"{len(self._files)}.db"
        file.copy(path, copied)
        if found := file.problems(copied):
            raise Corrupt(f"{path} is damaged: {found[0]}", hint="ostinato doctor says what can be done; older backups are untouched")
        self._keep(path, _pieces(copied))
        return copied

    def _keep_files(self) -> None:
        """Take every other file, looking twice.

        Lines of a log may become a segment while we look, and be seen as neither or be gone before they are copied. Their segment stays,
        so the second look finds it; a file that vanishes from under the second look is younger than the rows.
        """
        for _ in range(2):
            for path in list(kept(self._data)):
                if path.relative_to(self._data).as_posix() in self._files:
                    continue
                with suppress(FileNotFoundError):
                    if file.is_database(path):
                        self._database(path).unlink()
                    else:
                        self._keep(path, _lines(path) if path.suffix == ".jsonl" else _pieces(path))

    def _keep(self, path: Path, content: Iterator[bytes]) -> None:
        mode = path.stat().st_mode & 0o777
        blob = self._target.put(content)
        name = path.relative_to(self._data).as_posix()
        if name in SECRETS:
            self._target.path(blob.digest).chmod(0o400)
        self._files[name] = File(path=name, digest=blob.digest, size=blob.size, mode=mode)
        self._copied += 0 if self._there.get(blob.digest) == blob.size else blob.size

    def _ledger(self, rows: Path) -> tuple[int, str | None]:
        """The number of events in the copy, and its last head, once the whole of it is verified."""
        key = self._data / KEY
        if not key.exists():
            raise Corrupt(f"{key} is missing", hint="put it back from a backup: without it the seals of the ledger prove nothing")
        shutil.copy(key, self._beside / KEY)
        checked, head = verified(rows, self._beside / KEY)
        if not checked.ok:
            raise Corrupt(f"the ledger was tampered with: {checked.problems[0]}", hint="ostinato ledger verify --data names all of it")
        return checked.events, head

    def _keep_blobs(self) -> None:
        source = Local(self._data / BLOBS)
        for blob in source.all():
            if self._there.get(blob.digest) != blob.size:
                try:
                    copy(blob.digest, source, self._target, self._data)
                except Corrupt:
                    self._problems.append(f"blobs/{blob.digest[:2]}/{blob.digest} is damaged and not in the backup")
                    continue
                self._copied += blob.size
            self._blobs[blob.digest] = blob.size

    def _miss(self, rows: Path) -> None:
        """Name the blobs that rows need and the store has lost; a bucket is kept by its own means."""
        if in_bucket(self._data):
            return
        lost = {digest: place for digest, place in declared(rows) if not (self._data / BLOBS / digest[:2] / digest).exists()}
        self._problems += [f"blobs/{digest[:2]}/{digest} is missing ({place} names it)" for digest, place in lost.items()]


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as found:
        while piece := found.read(_PIECE):
            yield piece


def _lines(path: Path) -> Iterator[bytes]:
    """The complete lines of a file that is being appended to."""
    with path.open("rb") as found:
        rest = b""
        while piece := found.read(_PIECE):
            whole, newline, rest = (rest + piece).rpartition(b"\n")
            yield whole + newline
