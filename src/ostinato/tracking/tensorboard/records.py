"""The record framing of event files: length, checksum, data, checksum; damaged records are skipped and reported."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np

from ostinato.tracking.tensorboard.crc import crc32c, each, masked

_HEAD, _TAIL = 12, 4
_FIRST_READ = 1 << 20
_RECORD_MAX = 1 << 30
_LENGTH = struct.Struct("<Q")


@dataclass(slots=True)
class Piece:
    """Part of a file: its whole records from `start` to `end`, and what is damaged there: (place, bytes, why)."""

    start: int
    end: int
    records: list[memoryview] = field(default_factory=list)
    damaged: list[tuple[int, int, str]] = field(default_factory=list)


def read(file: BinaryIO, start: int, until: int | None = None) -> Piece:
    """The whole records of a file from a place on, about a MiB of them, or all `until` another; the same ones at every reading.

    A record that is not whole yet is left for later, and so are damaged bytes at the end: they may be a record that is being written.
    """
    size = _FIRST_READ if until is None else until - start
    while True:
        file.seek(start)
        data = file.read(size)
        piece, wanted = _parse(data, start, final=until is not None)
        if piece.end > start or until is not None or wanted <= len(data) or len(data) < size:
            return piece
        size = wanted


def _parse(data: bytes, start: int, *, final: bool) -> tuple[Piece, int]:
    """The records in bytes, and, if there is none, how many bytes it would take to find one."""
    flat = np.frombuffer(data, np.uint8)
    piece = Piece(start, start)
    places: list[tuple[int, int]] = []
    at, wanted = 0, 0
    while at + _HEAD <= len(data):
        length = _LENGTH.unpack_from(data, at)[0]
        if length > _RECORD_MAX or not _sound_length(data, at):
            found = _next_record(data, flat, at + 1)
            if found is None:
                wanted = 2 * len(data)
                if final:
                    piece.damaged.append((start + at, len(data) - at, "no record begins here"))
                    at = len(data)
                break
            piece.damaged.append((start + at, found - at, "the length is damaged"))
            at = found
            continue
        end = at + _HEAD + length + _TAIL
        if end > len(data):
            wanted = end - at
            break
        places.append((at + _HEAD, length))
        at = end
    piece.end = start + at
    _check(piece, data, flat, places)
    return piece, wanted


def _check(piece: Piece, data: bytes, flat: np.ndarray, places: list[tuple[int, int]]) -> None:
    """Store the records whose checksum is right."""
    if not places:
        return
    starts, lengths = (np.array(column, np.int64) for column in zip(*places, strict=True))
    right = masked(each(flat, starts, lengths))
    held = memoryview(data)
    for (at, length), crc in zip(places, right.tolist(), strict=True):
        if crc == int.from_bytes(held[at + length : at + length + _TAIL], "little"):
            piece.records.append(held[at : at + length])
        else:
            piece.damaged.append((piece.start + at - _HEAD, length + _HEAD + _TAIL, "the checksum is wrong"))


def _sound_length(data: bytes, at: int) -> bool:
    crc = int(masked(each(np.frombuffer(data, np.uint8), np.array([at]), np.array([8])))[0])
    return crc == int.from_bytes(data[at + 8 : at + _HEAD], "little")


def _next_record(data: bytes, flat: np.ndarray, at: int) -> int | None:
    """Where the next whole and sound record begins; what only looks like the head of one, within data, is none."""
    count = len(flat) - _HEAD - at + 1
    if count <= 0:
        return None
    starts = np.arange(at, at + count)
    right = masked(each(flat, starts, np.full(count, 8)))
    told = np.zeros(count, np.uint32)
    for byte in range(4):
        told |= flat[starts + 8 + byte].astype(np.uint32) << np.uint32(8 * byte)
    for start in starts[right == told].tolist():
        body = start + _HEAD
        end = body + _LENGTH.unpack_from(data, start)[0]
        if end + _TAIL <= len(data) and int(masked(crc32c(data[body:end]))) == int.from_bytes(data[end : end + _TAIL], "little"):
            return start  # type: ignore[no-any-return]
    return None


def framed(messages: Iterable[bytes]) -> bytes:
    """Messages as an event file."""
    held = [*messages]
    heads = [_LENGTH.pack(len(message)) for message in held]
    sums = []
    for group in (heads, held):
        lengths = np.array([len(part) for part in group], np.int64)
        sums.append(masked(each(np.frombuffer(b"".join(group), np.uint8), np.cumsum(lengths) - lengths, lengths)).astype("<u4"))
    return b"".join(
        head + sums[0][n].tobytes() + message + sums[1][n].tobytes() for n, (head, message) in enumerate(zip(heads, held, strict=True))
    )
