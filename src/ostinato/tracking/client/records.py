"""The record format of a journal, and its reader in columns.

A segment begins with MAGIC. Then come records, each a length, a CRC-32 and a body; the first number of the body says what it is:
0 a deed (JSON), 1 the keys of a layout (its tag, then JSON), and from FIRST_TAG on a row of points in that layout: tag, step, time
in µs, one value per key, little-endian. Whatever follows the last whole record, such as zeros, or a record cut off by a crash, is
not there. A segment tells its own layouts, so that it can be read when those before it are gone.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from ostinato.kernel.errors import Invalid
from ostinato.kernel.frozen import frozen
from ostinato.tracking.types import MetricFrame

MAGIC = b"ostinato journal 1\n".ljust(24, b"\0")
BEGIN = len(MAGIC)
FIRST_TAG = 16
_DEED, _KEYS = 0, 1
_HEAD = struct.Struct("<II")
_TAGGED = struct.Struct("<III")
_KEY_MAX = 250
_FEW = 16

Readable = Any
"""A buffer of bytes: bytes, or a map of a file."""


class Layout:
    """The keys of a row of points, and how the row is packed."""

    __slots__ = ("keys", "pack", "size", "tag")

    def __init__(self, tag: int, keys: tuple[str, ...]) -> None:
        row = struct.Struct(f"<Iqq{len(keys)}d")
        self.tag = tag
        self.keys = keys
        self.pack = row.pack
        self.size = _HEAD.size + row.size

    def record(self) -> bytes:
        """The record that tells of it."""
        return framed(struct.pack("<II", _KEYS, self.tag) + json.dumps(self.keys).encode())


@frozen
class Rows:
    """Points that stand between two places of a segment."""

    start: int
    end: int
    points: int
    frame: MetricFrame


@frozen
class Deed:
    """Something other than points, and where in the segment it ends."""

    end: int
    told: dict[str, Any]


def framed(body: bytes) -> bytes:
    """A body as a record.

    >>> len(framed(b"abcd"))
    12
    """
    return _HEAD.pack(len(body), zlib.crc32(body)) + body


def deed_record(told: Mapping[str, Any]) -> bytes:
    """The record of a deed; what JSON cannot say is refused before anything is written."""
    return framed(struct.pack("<I", _DEED) + json.dumps(told, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def checked_keys(keys: tuple[Any, ...]) -> tuple[str, ...]:
    """Keys that a store takes.

    Raises:
        Invalid: one is no text of 1 to 250 printable characters.
    """
    for key in keys:
        if not isinstance(key, str) or not key or len(key) > _KEY_MAX or not key.isprintable():
            raise Invalid(f"not a name of a metric: {key!r}", hint="1 to 250 printable characters", field="keys")
    return keys


def refused_row(values: Mapping[str, Any], step: Any) -> Invalid:
    """The error for a row that could not be packed."""
    for key, value in values.items():
        try:
            float(value)
        except (TypeError, ValueError, OverflowError):
            return Invalid(f"{key} is not a number: {value!r}", hint="log numbers; text goes into params or tags", field=key)
    return Invalid(f"not a step: {step!r}", hint="a whole number of 64 bits", field="step")


class Reader:
    """Reads a segment from its beginning; `at` is where what was not read yet begins."""

    def __init__(self, buffer: Readable, at: int = BEGIN) -> None:
        self._buffer = buffer
        self._layouts: dict[int, Layout] = {}
        self.size = len(buffer)
        self.at = BEGIN
        self.sound = bytes(buffer[:BEGIN]) == MAGIC
        while self.sound and self.at < at and (found := self._peek(self.size, check=False)) is not None:
            if found[1] == _KEYS:
                self._learn(*found)
            self.at += _HEAD.size + found[0]
        self.sound = self.sound and self.at >= at

    def next(self, until: int, most: int, *, check: bool) -> Rows | Deed | None:
        """The points up to the next deed, of at most about `most`, or that deed; None if there is no whole record before `until`.

        `check` compares the sums of bytes that another process wrote.
        """
        if not self.sound:
            return None
        until = min(until, self.size)
        start, count, points = self.at, 0, 0
        places: dict[int, tuple[list[int], list[int]]] = {}
        while points < most and (found := self._peek(until, check=check)) is not None:
            length, tag = found
            if tag == _DEED and count == 0:
                return self._deed(length)
            if tag == _DEED:
                break
            if tag == _KEYS:
                self._learn(length, tag)
            else:
                layout, of = self._layouts[tag], places.setdefault(tag, ([], []))
                rows = 1 if check else self._count_rows(layout, until, -((points - most) // len(layout.keys)))
                of[0].extend(range(self.at, self.at + rows * layout.size, layout.size))
                of[1].extend(range(count, count + rows))
                count += rows
                points += rows * len(layout.keys)
                self.at += (rows - 1) * layout.size
            self.at += _HEAD.size + length
        if not count:
            return None
        parts = [(self._layouts[tag], offsets, order) for tag, (offsets, order) in places.items()]
        return Rows(start=start, end=self.at, points=points, frame=_frame(self._buffer, parts))

    def _peek(self, until: int, *, check: bool) -> tuple[int, int] | None:
        """Length and tag of the record at the present place, if a whole one stands there."""
        buffer, at = self._buffer, self.at
        if at + _TAGGED.size > until:
            return None
        length, crc, tag = _TAGGED.unpack_from(buffer, at)
        end = at + _HEAD.size + length
        if length < 4 or end > until or (check and zlib.crc32(buffer[at + _HEAD.size : end]) != crc):
            return None
        if tag > _KEYS and (tag not in self._layouts or end - at != self._layouts[tag].size):
            return None
        return length, tag

    def _count_rows(self, layout: Layout, until: int, most: int) -> int:
        """The number of consecutive rows of a layout from here, at least one; short sequences are not measured."""
        size = layout.size
        room = min((until - self.at) // size, most)
        if room < _FEW or self._buffer[self.at + size : self.at + size + 4] != self._buffer[self.at : self.at + 4]:
            return 1
        heads = np.frombuffer(self._buffer, np.uint8, room * size, self.at).reshape(room, size)[:, : _TAGGED.size]
        length, _, tag = np.ascontiguousarray(heads).view("<u4").T
        other = (length != size - _HEAD.size) | (tag != layout.tag)
        return int(other.argmax()) if other.any() else room

    def _learn(self, length: int, _: int) -> None:
        body = bytes(self._buffer[self.at + _HEAD.size : self.at + _HEAD.size + length])
        tag = struct.unpack_from("<I", body, 4)[0]
        self._layouts[tag] = Layout(tag, tuple(json.loads(body[8:])))

    def _deed(self, length: int) -> Deed:
        body = bytes(self._buffer[self.at + _HEAD.size : self.at + _HEAD.size + length])
        self.at += _HEAD.size + length
        return Deed(end=self.at, told=json.loads(body[4:].decode("utf-8", "surrogatepass")))


def _frame(buffer: Readable, parts: list[tuple[Layout, list[int], list[int]]]) -> MetricFrame:
    """Rows of points in columns, in the order in which they were written."""
    flat = np.frombuffer(buffer, np.uint8)
    names: dict[str, int] = {}
    columns: list[tuple[Any, Any, Any, Any, Any]] = []
    for layout, offsets, order in parts:
        width = len(layout.keys)
        kind = np.dtype([("tag", "<u4"), ("step", "<i8"), ("at", "<i8"), ("values", "<f8", (width,))])
        body = np.asarray(offsets)[:, None] + np.arange(_HEAD.size, layout.size)
        rows = flat[body].view(kind)[:, 0]
        ids = np.array([names.setdefault(key, len(names)) for key in layout.keys], "<u4")
        times = len(offsets)
        columns.append((
            np.repeat(np.asarray(order), width), np.tile(ids, times), np.repeat(rows["step"], width),
            np.repeat(rows["at"], width), rows["values"].reshape(-1),
        ))  # fmt: skip
    place, key, steps, at, values = (np.concatenate(column) for column in zip(*columns, strict=True))
    if len(parts) > 1:
        sorting = np.argsort(place, kind="stable")
        key, steps, at, values = key[sorting], steps[sorting], at[sorting], values[sorting]
    return MetricFrame(
        keys=list(names), key=key.astype("<u4").tobytes(), steps=steps.astype("<i8").tobytes(),
        times_us=at.astype("<i8").tobytes(), values=values.astype("<f8").tobytes(),
    )  # fmt: skip
