"""Proto: as much of the wire format of protocol buffers as event files need."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5


class Malformed(ValueError):
    """These bytes are no message."""


def fields(data: memoryview) -> Iterator[tuple[int, Any]]:
    """The fields of a message: number, and an int, the bytes of a fixed value, or a view of what is longer.

    Raises:
        Malformed: the bytes end within a field, or hold an unknown kind of one.
    """
    at, end = 0, len(data)
    while at < end:
        key, at = _varint(data, at)
        kind, number = key & 7, key >> 3
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        if kind == _BYTES:
            size, at = _varint(data, at)
        elif kind in (_EIGHT, _FOUR):
            size = 8 if kind == _EIGHT else 4
        else:
            raise Malformed(f"a field of the kind {kind}")
        if at + size > end or number == 0:
            raise Malformed("the message ends within a field")
        yield number, data[at : at + size]
        at += size


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value & 0xFFFFFFFFFFFFFFFF, at
        shift += 7
    raise Malformed("a number without an end")


def view(value: Any) -> memoryview:
    """A field that must be longer than a number."""
    if isinstance(value, int):
        raise Malformed("a number where a message is expected")
    return memoryview(value)


def signed(value: Any) -> int:
    """An int64, as which negative numbers take ten bytes."""
    if not isinstance(value, int):
        raise Malformed("bytes where a number is expected")
    return value - (1 << 64) if value >> 63 else value


def floats(value: Any, code: str) -> list[float]:
    """One or, packed, many floats: code `f` or `d`."""
    data = view(value)
    count, rest = divmod(len(data), struct.calcsize(f"<{code}"))
    if rest:
        raise Malformed("floats that are cut off")
    return list(struct.unpack(f"<{count}{code}", data))


def text(value: Any) -> str:
    """A text; what is no UTF-8 is replaced."""
    return bytes(view(value)).decode("utf-8", "replace")


def put(number: int, value: int | float | str | bytes, *, code: str = "d") -> bytes:
    """A field: an int as varint, a float as `d` or `f`, anything else with its length."""
    if isinstance(value, float):
        return put_varint(number << 3 | (_EIGHT if code == "d" else _FOUR)) + struct.pack(f"<{code}", value)
    if isinstance(value, int):
        return put_varint(number << 3) + put_varint(value & 0xFFFFFFFFFFFFFFFF)
    data = value.encode() if isinstance(value, str) else value
    return put_varint(number << 3 | _BYTES) + put_varint(len(data)) + data


def put_varint(value: int) -> bytes:
    """A number, seven bits to the byte."""
    made = bytearray()
    while value > 127:
        made.append(value & 127 | 128)
        value >>= 7
    made.append(value)
    return bytes(made)
