"""Shipping of a journal to the store, each point once, however often it is interrupted.

Before a batch of points is sent, the cursor says which batch that is and from where to where it reaches; so whoever goes on, also
another process after a crash, sends the very same batch under the very same number, and the store keeps it once. Deeds may be repeated.
Batches are numbered within a segment, so that the numbers of one that was in the memory of a dead process are not used for others.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import msgspec
from blake3 import blake3

from ostinato.kernel.errors import Conflict, Denied, Exhausted, NotFound, OstinatoError, Throttled, Unauthenticated, Unavailable
from ostinato.kernel.ref import Ref
from ostinato.storage.blobs.sending import LARGE_BYTES, PART_BYTES
from ostinato.storage.blobs.sending import sent as sent_parts
from ostinato.tracking.client import folders
from ostinato.tracking.client.console import Copy
from ostinato.tracking.client.folders import REFUSED, About, open_file
from ostinato.tracking.client.records import BEGIN, Deed, Readable, Reader, Rows
from ostinato.tracking.client.runs_protocol import RunsProtocol
from ostinato.tracking.types import Code, Environment, MetricFrame, Run, Spent, Use

BATCH = 50_000
LATER = (Unavailable, Throttled, Exhausted, Unauthenticated, Denied, OSError)
"""What may be otherwise the next time; all else is a refusal."""
LEASE_S = 90
_LATE_US = 5_000_000
_CURSOR = struct.Struct("<QqQQ")
_SLOT = 64
_REOPENED = "reopened.json"
_FILES = ("artifact", "candidate_file")


class Source(Protocol):
    """A journal as it is shipped."""

    @property
    def folder(self) -> Path | None: ...
    @property
    def about(self) -> About: ...
    def view(self, number: int) -> tuple[Readable, int] | None: ...
    def after(self, number: int) -> int | None: ...
    def drop(self, number: int) -> None: ...


@dataclass(slots=True)
class Cursor:
    """The position of shipping: the next batch number, the segment, the offset shipped, and the end of the batch in flight (or 0).

    Kept in a file of two slots that are written in turn, in place: that needs no room on the disk, and a torn slot leaves the other.
    `ahead` is where another process left off in segments that are not reached yet.
    """

    seq: int = 0
    segment: int = 0
    start: int = BEGIN
    end: int = 0
    fd: int = -1
    turn: int = 0
    ahead: Cursor | None = None

    @classmethod
    def of(cls, fd: int) -> Cursor:
        """The cursor in an open file."""
        best, turn = (0, 0, BEGIN, 0), 0
        for half in (0, 1):
            slot = os.pread(fd, _SLOT, half * _SLOT)
            if len(slot) == _SLOT and zlib.crc32(slot[:-4]) == int.from_bytes(slot[-4:], "little"):
                counted = int.from_bytes(slot[_CURSOR.size : _CURSOR.size + 8], "little")
                if counted > turn:
                    best, turn = _CURSOR.unpack_from(slot), counted
        if not turn:
            os.pwrite(fd, bytes(2 * _SLOT), 0)
        return cls(*best, fd=fd, turn=turn)

    def save(self, **changed: int) -> None:
        """Save the cursor with changes."""
        for name, value in changed.items():
            setattr(self, name, value)
        if self.ahead is not None and self.segment <= self.ahead.segment:
            if self.segment < self.ahead.segment:
                return  # the file says more
            self.seq, self.start, self.end = self.ahead.seq, self.ahead.start, self.ahead.end
        self.ahead = None
        if self.fd >= 0:
            self.turn += 1
            told = _CURSOR.pack(self.seq, self.segment, self.start, self.end) + self.turn.to_bytes(8, "little")
            told = told.ljust(_SLOT - 4, b"\0")
            os.pwrite(self.fd, told + zlib.crc32(told).to_bytes(4, "little"), self.turn % 2 * _SLOT)

    def adopt(self, fd: int) -> None:
        """Go on in a file; if another process has shipped later segments meanwhile, from where it left off once these are reached."""
        kept = Cursor.of(fd)
        self.fd, self.turn, self.ahead = fd, kept.turn, kept if kept.turn else None
        self.save()

    def close(self) -> None:
        """Release the cursor."""
        folders.unlock_file(self.fd)
        self.fd = -1


@dataclass(slots=True)
class Shipped:
    """The result of shipping; `refused` says what the store refused permanently, and why."""

    points: int = 0
    files: int = 0
    deeds: int = 0
    state: str = ""
    refused: list[str] = field(default_factory=list)


class Stuck(OstinatoError):
    """The store refuses the points of a journal permanently; they stay in the journal."""


class Shipper:
    """Ships one journal, `own` if this process writes it."""

    def __init__(self, source: Source, runs: RunsProtocol, client: str, cursor: Cursor, *, own: bool) -> None:
        self.shipped = Shipped()
        self.ended: Run | None = None
        self.closed = False
        self.stuck: Stuck | None = None
        self.before_end: Callable[[], None] = lambda: None
        self._source = source
        self._runs = runs
        self._run = source.about.run
        self._client = client
        self._cursor = cursor
        self._own = own
        self._copy = Copy(source.folder, client)
        self._helps = source.about.rank > 0 or source.about.child
        self._reopened = self._kept_end() if self._helps else None
        self._inherited = self._reopened is not None
        self._reader: Reader | None = None

    def place(self) -> tuple[int, int]:
        """Up to where the journal is shipped: segment and place in it."""
        return self._cursor.segment, self._cursor.start

    @property
    def opened(self) -> bool:
        """Whether the run had ended, and was opened for this journal."""
        return self._reopened is not None

    def rest(self) -> bool:
        """Whether something is left to ship."""
        self._reader = None
        return self._read() is not None or self._source.after(self._cursor.segment) is not None

    def step(self) -> bool:
        """Ship the next batch or deed; False if there is none, or if the store has refused the points before.

        Raises:
            Unavailable, Throttled, Exhausted, Unauthenticated, Denied, OSError: try again later.
            Stuck: the store refuses the points for good.
        """
        found = None if self.stuck else self._read()
        if found is None and not self.stuck:
            number = self._source.after(self._cursor.segment)
            if number is None:
                return False
            found = self._read()  # what was written before that segment was begun
            if found is None:
                return self._onward(number)
        if found is None:
            return False
        try:
            self._send(found) if isinstance(found, Rows) else self._do(found)
        except BaseException as error:
            self._reader = None
            self.stuck = error if isinstance(error, Stuck) else None
            raise
        return True

    def _read(self) -> Rows | Deed | None:
        """The next points or deed of the current segment."""
        viewed = self._source.view(self._cursor.segment)
        if viewed is None:
            return None
        if self._reader is None or self._reader.size < len(viewed[0]):
            self._reader = Reader(viewed[0], self._cursor.start)
        sending = self._cursor.end > self._cursor.start
        until, most = (self._cursor.end, 1 << 62) if sending else (viewed[1], BATCH)
        return self._reader.next(until, most, check=not self._own)

    def ship_console(self) -> None:
        """Send what was printed since the last time."""
        try:
            self.shipped.files += self._copy.ship(self._runs, self._run)
        except LATER:
            raise
        except Exception as error:
            self._refuse(f"what was printed: {error}")

    def _send(self, rows: Rows) -> None:
        self._cursor.save(end=rows.end)
        try:
            self._log(rows)
        except LATER:
            raise
        except Exception as error:
            raise Stuck(f"points are refused: {error}", hint=getattr(error, "hint", "")) from error
        self._cursor.save(seq=self._cursor.seq + 1, start=rows.end, end=0)
        self.shipped.points += rows.points

    def _log(self, rows: Rows) -> None:
        """Send a batch; what another rank, or a child, logged while the first one ended the run still belongs to it."""
        batch = f"{self._client}/{self._cursor.segment}", self._cursor.seq, rows.frame
        try:
            self._runs.log(self._run, *batch)
        except Conflict:
            if not self._helps or not self._go_on(self._runs.get(self._run)):
                raise
            self._runs.log(self._run, *batch)

    def _go_on(self, run: Run) -> bool:
        """Open a run if it has ended; it ends again as it had, unless the journal says otherwise."""
        if run.ended_at is None:
            return False
        if self._helps and self._source.folder is not None:  # so that whoever ships it after a crash can end it
            with open(open_file(self._source.folder / _REOPENED, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "wb") as file:
                file.write(msgspec.json.encode(run))
        self._reopened, self._inherited = run, False
        self._runs.resume(run.id, LEASE_S)
        return True

    def _kept_end(self) -> Run | None:
        """How the run had ended before a process resumed it for this journal and did not end it again."""
        with suppress(OSError, ValueError, msgspec.MsgspecError):
            if self._source.folder is not None:
                with open(open_file(self._source.folder / _REOPENED), "rb") as file:
                    return msgspec.json.decode(file.read(), type=Run)
        return None

    def end_again(self) -> None:
        """End a run that was opened for this journal as it had ended before, when no more of it is shipped for now.

        A run that the first rank's own journal has opened is left to its lease: it was killed.
        """
        if self._helps:
            self._put_back()

    def _put_back(self) -> None:
        if (before := self._reopened) is None:
            return
        if not (self._inherited and self._first_lives()):
            with suppress(Conflict):  # somebody else has ended it
                self._runs.finish(self._run, before.state, error=before.error, spent=before.spent, ended_at=before.ended_at)
        self._reopened = None
        if self._source.folder is not None:
            (self._source.folder / _REOPENED).unlink(missing_ok=True)

    def _first_lives(self) -> bool:
        """Whether the process that ends the run goes on with it on this machine."""
        folder = self._source.folder
        others = () if folder is None else folders.own_journals(folder.parent)
        return any(told.rank == 0 and not told.child and found != folder and folders.is_alive(found) for found, told in others)

    def _do(self, deed: Deed) -> None:
        verb, refused = deed.told["verb"], False
        try:
            self._apply(verb, deed.told, deed.end)
        except LATER:
            raise
        except Exception as error:
            if verb == "start":
                raise Stuck(f"the run is refused: {error}", hint=getattr(error, "hint", "")) from error
            refused = True
            self._refuse(f"{verb} {deed.told.get('path', '')}".strip() + f": {error}")
        self._cursor.save(start=deed.end, end=0)
        if verb in _FILES and not refused and self._source.folder is not None:
            (self._source.folder / Path(deed.told["file"]).name).unlink(missing_ok=True)

    def _apply(self, verb: str, told: dict[str, Any], end: int) -> None:
        """Apply a deed of the journal to the store."""
        runs, run = self._runs, self._run
        if verb == "start":
            given = {key: told[key] for key in ("experiment", "name", "params", "tags", "parent")}
            code = msgspec.convert(told["code"], Code)
            more: dict[str, Any] = {"inputs": _refs(told["inputs"]), "code": code, "lease_s": LEASE_S, "started_at": _ended_at(told)}
            self._go_on(runs.start(**given, **more, id=run))
        elif verb == "origin":
            runs.origin(run, msgspec.convert(told["code"], Code | None), msgspec.convert(told["environment"], Environment | None))
        elif verb == "params":
            runs.params(run, told["values"])
        elif verb == "tag":
            runs.tag(run, told["tags"])
        elif verb == "link":
            runs.link(run, inputs=_refs(told["inputs"]), outputs=_refs(told["outputs"]))
        elif verb == "artifact":
            self._upload_file(run, told, runs.put_artifact, runs.put_artifact_sent)
        elif verb == "use":
            runs.use(run, [msgspec.convert(told["use"], Use)])
        elif verb in ("candidate", "candidate_file", "candidate_ready", "measured"):
            self._apply_to_candidate(verb, told, end)
        elif verb == "finish":
            self.before_end()
            self.ship_console()
            spent = msgspec.convert(told["spent"], Spent | None)
            self.ended = runs.finish(run, told["state"], error=told["error"], spent=spent, ended_at=_ended_at(told))
            self._reopened, self.shipped.state = None, told["state"]
        elif verb == "close":
            self._put_back()
            self.closed = True
        self.shipped.deeds += verb not in ("close", "measured", *_FILES)

    def _apply_to_candidate(self, verb: str, told: dict[str, Any], end: int) -> None:
        """Apply a deed about a candidate: the candidate itself, a file, or metrics."""
        runs = self._runs
        if verb == "candidate":
            runs.add_candidate(run=self._run, **{key: told[key] for key in ("id", "name", "type", "step", "tags", "params")})
        elif verb == "candidate_file":
            self._upload_file(told["candidate"], told, runs.put_candidate_artifact, runs.put_candidate_artifact_sent)
        elif verb == "candidate_ready":
            runs.change_candidate(told["candidate"], "ready")
        else:
            about = {key: told[key] for key in ("candidate", "dataset_name", "dataset_digest")}
            frame = replace(MetricFrame.of([(key, step, at_us, value) for key, step, at_us, value in told["points"]]), **about)
            runs.log(self._run, f"{self._client}/{self._cursor.segment}/{end}", 0, frame)
            self.shipped.points += len(told["points"])

    def _upload_file(self, holder: str, told: dict[str, Any], whole: Callable[..., Any], sent: Callable[..., Any]) -> None:
        """Upload the journal's copy of a file; a large one goes in parts, without being held in memory."""
        assert self._source.folder is not None
        try:
            fd = open_file(self._source.folder / Path(told["file"]).name)
        except FileNotFoundError:
            raise NotFound(f"its copy {told['file']} is gone from the journal") from None
        with open(fd, "rb") as kept:
            if (size := os.fstat(fd).st_size) <= LARGE_BYTES:
                whole(holder, told["path"], kept.read())
            else:
                upload = _digest_of(kept)
                sent_parts(self._runs, upload, size, lambda start, end: os.pread(fd, end - start, start))
                sent(holder, told["path"], upload, size)
        self.shipped.files += 1

    def _refuse(self, text: str) -> None:
        line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
        self.shipped.refused.append(line)
        if self._source.folder is not None:
            with suppress(OSError), open(open_file(self._source.folder / REFUSED, os.O_WRONLY | os.O_CREAT | os.O_APPEND), "a") as file:
                file.write(line + "\n")

    def _onward(self, number: int) -> bool:
        """Go to a later segment; the present one is done."""
        done = self._cursor.segment
        self._reader = None
        self._cursor.save(seq=0, segment=number, start=BEGIN, end=0)
        self._source.drop(done)
        return True


def _digest_of(file: BinaryIO) -> str:
    """The digest of an open file, of which no more than a piece is in memory."""
    hasher = blake3()
    while piece := file.read(PART_BYTES):
        hasher.update(piece)
    return hasher.hexdigest()


def _refs(texts: list[str]) -> list[Ref]:
    return [Ref.parse(text) for text in texts]


def _ended_at(told: dict[str, Any]) -> datetime | None:
    """When a deed happened, if that is long ago: else the store's own clock says it."""
    at_us = int(told["at_us"])
    now_us = int(datetime.now(UTC).timestamp() * 1e6)
    return datetime.fromtimestamp(at_us / 1e6, UTC) if now_us - at_us > _LATE_US else None
