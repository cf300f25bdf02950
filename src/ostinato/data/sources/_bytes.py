"""What a source hands over, and the bytes of files in the inbox."""

from __future__ import annotations

import gzip
import hashlib
import io
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pyarrow as pa

from ostinato.kernel.errors import Denied, Invalid, NotFound, TooLarge

_LIMIT = 2 << 30
_UNPACKED = 1 << 30
_ALWAYS = 64 << 20
_RATIO = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTable:
    """A parsed table, the name of its source, and the SHA-256 of the source's bytes."""

    source: str
    digest: str
    table: pa.Table

    @classmethod
    def of(cls, source: str, content: bytes, table: pa.Table) -> SourceTable:
        return cls(source=source, digest=hashlib.sha256(content).hexdigest(), table=table)


def inbox_file(inbox: Path, path: str) -> bytes:
    """The bytes of a file below the inbox, read once, so that what is hashed is what is parsed.

    Raises:
        Denied: the path leads out of the inbox, also by a link.
        NotFound: there is no such file.
        TooLarge: the file has more than 2 GiB.
    """
    root = inbox.resolve()
    try:
        place = (root / path).resolve()
        found = place.is_file()
    except (OSError, RuntimeError, ValueError):  # too long, a loop of links, or a NUL: no name of a file
        raise NotFound(f"no file {path[:200]!r} in the inbox", hint=f"put it below {inbox}") from None
    if not place.is_relative_to(root):
        raise Denied(f"{path!r} lies outside the inbox", hint=f"put the file below {inbox} and name it relative to that")
    if not found:
        raise NotFound(f"no file {path!r} in the inbox", hint=f"put it below {inbox}")
    with place.open("rb") as file:
        return _bounded(file, path, _LIMIT)


def decompressed(content: bytes, name: str) -> bytes:
    """The content of a .gz or of the only file in a .zip, by the magic number; other bytes as they are.

    Raises:
        Invalid: the archive is damaged or holds several files.
        TooLarge: it unpacks to more than 1 GiB, or to more than 64 MiB and 200 times its own size.
    """
    most = min(_UNPACKED, max(_ALWAYS, _RATIO * len(content)))
    try:
        if content[:2] == b"\x1f\x8b":
            return _bounded(gzip.GzipFile(fileobj=io.BytesIO(content)), name, most)
        if content[:4] == b"PK\x03\x04":
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                members = [m for m in archive.namelist() if not m.endswith("/")]
                if len(members) != 1:
                    raise Invalid(f"{name} holds {len(members)} files", hint="deliver an archive of one file")
                with archive.open(members[0]) as member:
                    return _bounded(member, name, most)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise Invalid(f"{name} is a damaged archive: {error}") from error
    return content


def _bounded(file: IO[bytes] | gzip.GzipFile, name: str, most: int) -> bytes:
    content = file.read(most + 1)
    if len(content) > most:
        unpacked = "unpacks to" if most < _LIMIT else "has"
        raise TooLarge(f"{name} {unpacked} more than {most >> 20} MiB", hint="deliver it in several files, each under a key of its own")
    return content
