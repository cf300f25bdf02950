"""The archive format: experiments and models as one file; its reader trusts nothing.

An archive is a ZIP. `archive.json` says what it holds, and of each member but blobs its size and BLAKE3 digest; the records in these name
the blobs by number, with size and digest. So the digest of `archive.json` stands for all of it.
"""

from __future__ import annotations

import contextlib
import os
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import field
from datetime import datetime
from pathlib import Path
from typing import IO, Any, TypeVar

import msgspec
from blake3 import blake3

from ostinato.kernel.errors import Conflict, Corrupt, Invalid, NotFound, TooLarge
from ostinato.kernel.frozen import frozen
from ostinato.kernel.signature import from_wire, to_wire
from ostinato.registry.types import AliasState, Labels, Model, ModelVersion, Note
from ostinato.tracking.types import Candidate, Environment, Run, Use

T = TypeVar("T")

FORMAT = "ostinato.archive/1"
POINT = [("key", "<u4"), ("step", "<i8"), ("at_us", "<i8"), ("value", "<f8")]
"""A point, as numpy reads it: which of the run's keys, its step, its time in µs after 1970, its value."""
POINT_BYTES = 28
HEAD = "archive.json"
_NAME = re.compile(
    r"archive\.json|environments\.jsonl|evaluations\.jsonl|(experiments|models)/\d{1,9}/[a-z]+(-\d{1,9})?\.(jsonl|bin)|blobs/\d{1,12}"
)
_PIECE = 1 << 20
_HEAD_MAX = 256 << 20
_LINE_MAX = 64 << 20
_SWELL_MAX = 200
_SLACK = 64 << 20


@frozen
class Member:
    """The size of a member, and the BLAKE3 digest of its bytes."""

    size: int
    digest: str


@frozen
class Part:
    """An experiment or a model of an archive: its name, its folder there, and how many runs or versions that has in how many batches."""

    name: str
    folder: str
    things: int
    batches: int


@frozen
class Head:
    """The description of an archive. `store` is the public key of its store's ledger."""

    format: str
    made_at: datetime
    made_by: str
    store: str
    project: str
    experiments: list[Part] = field(default_factory=list)
    models: list[Part] = field(default_factory=list)
    members: dict[str, Member] = field(default_factory=dict)


@frozen
class File:
    """A file: its path within its owner, and which blob of the archive it is, with that one's BLAKE3 digest and size."""

    path: str
    blob: int
    digest: str
    size: int


@frozen
class RunRecord:
    """A run with what hangs on it; its `points` follow those of the run before in the batch's file of points."""

    run: Run
    keys: list[str] = field(default_factory=list)
    points: int = 0
    files: list[File] = field(default_factory=list)
    sources: list[Use] = field(default_factory=list)


@frozen
class CandidateRecord:
    """A candidate with its files."""

    candidate: Candidate
    files: list[File] = field(default_factory=list)


@frozen
class EnvironmentRecord:
    """An environment, by the digest under which runs name it."""

    digest: str
    environment: Environment


@frozen
class ModelRecord:
    """A model, what is written on it and into its cards."""

    model: Model
    labels: Labels
    notes: list[Note] = field(default_factory=list)


@frozen
class VersionRecord:
    """A version with its decisions; its artifact, or the files of a folder; and the moves of aliases to it."""

    version: ModelVersion
    labels: Labels
    artifact: File
    files: list[File] = field(default_factory=list)
    moves: list[AliasState] = field(default_factory=list)


class Writer:
    """Writes an archive beside its name, and gives it that name once it is whole and on the disk."""

    def __init__(self, path: Path) -> None:
        """Begin.

        Raises:
            Conflict: there is a file of that name.
        """
        if path.exists():
            raise Conflict(f"{path} is there already", hint="name another file")
        self._path = path
        self._partial = path.with_name(path.name + ".partial")
        self._zip = zipfile.ZipFile(self._partial, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        self._blobs = 0
        self.members: dict[str, Member] = {}

    def add(self, name: str, content: Iterable[bytes]) -> None:
        """A member, as its bytes come."""
        self.members[name] = self._write(name, content, zipfile.ZIP_DEFLATED)

    def lines(self, name: str, records: Iterable[Any]) -> None:
        """A member of one JSON record per line."""
        self.add(name, (encoded(record) + b"\n" for record in records))

    def blob(self, content: Iterable[bytes]) -> tuple[int, Member]:
        """A blob: its number, its size and digest."""
        self._blobs += 1
        return self._blobs, self._write(f"blobs/{self._blobs}", content, zipfile.ZIP_STORED)

    def finish(self, head: Head) -> str:
        """Write what the archive says of itself; its digest."""
        content = encoded(head)
        self._write(HEAD, [content], zipfile.ZIP_DEFLATED)
        self._zip.close()
        with self._partial.open("rb+") as file:
            os.fsync(file.fileno())
        self._partial.rename(self._path)
        return blake3(content).hexdigest()

    def abort(self) -> None:
        """Leave nothing behind."""
        with contextlib.suppress(OSError, ValueError):
            self._zip.close()
        self._partial.unlink(missing_ok=True)

    def _write(self, name: str, content: Iterable[bytes], how: int) -> Member:
        hasher, size = blake3(), 0
        info = zipfile.ZipInfo(name)
        info.compress_type = how
        with self._zip.open(info, "w", force_zip64=True) as member:
            for piece in content:
                hasher.update(piece)
                size += len(piece)
                member.write(piece)
        return Member(size=size, digest=hasher.hexdigest())


class Reader:
    """Reads an archive from anybody: nothing is unpacked onto the disk by name, and nothing believed but what its digest proves."""

    def __init__(self, path: Path) -> None:
        """Open it and look at its outline.

        Raises:
            NotFound: there is no such file.
            Invalid: it is no archive, or one of another format.
            Corrupt: it is cut off, or its outline contradicts itself.
            TooLarge: it would unpack to far more than it is.
        """
        if not path.is_file():
            raise NotFound(f"there is no file {path}", hint="name an archive that `ostinato export` wrote")
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise Invalid(
                f"{path.name} is no archive, or was cut off: {error}", hint="copy it again as a whole, or export it again"
            ) from error
        self._infos = {info.filename: info for info in self._zip.infolist()}
        self._check_outline(path.stat().st_size)
        head = self._whole(HEAD, _HEAD_MAX)
        said = _decoded(head, dict[str, Any], HEAD).get("format")
        if said != FORMAT:
            raise Invalid(
                f"the archive has the format {str(said)[:100]!r}; this Ostinato reads {FORMAT!r}",
                hint="use the Ostinato that wrote it, or a newer one",
            )
        self.head = _decoded(head, Head, HEAD)
        self.digest: str = blake3(head).hexdigest()

    def verify(self) -> None:
        """Read all members but blobs once, and hold them against their digests; blobs are when they are taken.

        Raises:
            Corrupt: one is missing, or is not what it should be.
        """
        listed = {name for name in self._infos if not name.startswith("blobs/")} - {HEAD}
        if listed != self.head.members.keys():
            odd = sorted(listed ^ self.head.members.keys())
            raise Corrupt(f"the archive lists other members than it has: {', '.join(odd[:3])}", hint="export it again")
        for name, member in self.head.members.items():
            hasher, size = blake3(), 0
            for piece in self.pieces(name):
                hasher.update(piece)
                size += len(piece)
            if (size, hasher.hexdigest()) != (member.size, member.digest):
                raise _lies(name)

    def lines(self, name: str, kind: type[T]) -> Iterator[T]:
        """The records of a member; none if there is no such member."""
        if name in self._infos:
            with self._opened(name) as member:
                while line := member.readline(_LINE_MAX + 1):
                    if len(line) > _LINE_MAX:
                        raise TooLarge(f"{name} has a record of more than {_LINE_MAX >> 20} MiB")
                    yield _decoded(line, kind, name)

    def stream(self, name: str) -> IO[bytes]:
        """A member to be read on."""
        return self._opened(name)

    def blob(self, found: File) -> Iterator[bytes]:
        """The bytes of a file in pieces; `Corrupt` is raised after the last one, so act on the end only."""
        name = f"blobs/{found.blob}"
        if name not in self._infos or self._infos[name].file_size != found.size:
            raise _lies(name)
        hasher = blake3()
        for piece in self.pieces(name):
            hasher.update(piece)
            yield piece
        if hasher.hexdigest() != found.digest:
            raise _lies(name)

    def pieces(self, name: str) -> Iterator[bytes]:
        """The bytes of a member in pieces of at most 1 MiB."""
        with self._opened(name) as member:
            try:
                while piece := member.read(_PIECE):
                    yield piece
            except (zipfile.BadZipFile, EOFError, OSError, ValueError) as error:
                raise Corrupt(f"{name} of the archive is damaged: {error}", hint="copy the archive again, or export it again") from error

    def close(self) -> None:
        """Close the file."""
        self._zip.close()

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _opened(self, name: str) -> IO[bytes]:
        try:
            return self._zip.open(self._infos[name])
        except KeyError:
            raise Corrupt(f"the archive lacks {name}", hint="export it again") from None
        except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError) as error:
            raise Corrupt(f"{name} of the archive is damaged: {error}", hint="copy the archive again, or export it again") from error

    def _whole(self, name: str, most: int) -> bytes:
        if name not in self._infos:
            raise Invalid(f"there is no {name} in the file: it is no archive of Ostinato", hint="`ostinato export` writes one")
        if self._infos[name].file_size > most:
            raise TooLarge(f"{name} has more than {most >> 20} MiB")
        return b"".join(self.pieces(name))

    def _check_outline(self, size: int) -> None:
        infos = self._zip.infolist()
        if len(infos) != len(self._infos):
            raise Corrupt("the archive has two members of one name", hint="export it again")
        for info in infos:
            if not _NAME.fullmatch(info.filename) or info.flag_bits & 1:
                raise Corrupt(f"the archive has a member that does not belong there: {info.filename[:100]!r}", hint="export it again")
            if info.filename.startswith("blobs/") and (info.compress_type, info.compress_size) != (zipfile.ZIP_STORED, info.file_size):
                raise Corrupt(f"{info.filename} is not stored as it is", hint="export the archive again")
        end = 0
        for info in sorted(infos, key=lambda info: info.header_offset):
            if info.header_offset < end:
                raise Corrupt(f"members of the archive lie upon one another: {info.filename}", hint="export it again")
            end = info.header_offset + info.compress_size
        if (unpacked := sum(info.file_size for info in infos)) > _SWELL_MAX * size + _SLACK:
            raise TooLarge(f"the archive would unpack to {unpacked:,} bytes from {size:,}", hint="no export does; do not trust who sent it")


def encoded(record: Any) -> bytes:
    """A record as JSON.

    Raises:
        Invalid: it holds text that is no Unicode.
    """
    try:
        return msgspec.json.encode(record, enc_hook=to_wire)
    except UnicodeEncodeError as error:
        raise Invalid(f"a text in it is no Unicode, and JSON cannot hold it: {error}") from error


def _decoded(content: bytes, kind: type[T], name: str) -> T:
    try:
        return msgspec.json.decode(content, type=kind, dec_hook=from_wire)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, Invalid) as error:
        raise Corrupt(f"{name} of the archive is malformed: {error}", hint="export it again, with this Ostinato or an older one") from error


def _lies(name: str) -> Corrupt:
    return Corrupt(f"{name} of the archive is not what the archive says it is", hint="copy it again as a whole, or export it again")
