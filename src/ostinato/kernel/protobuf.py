"""Protocol buffers: the wire format, as far as messages are read and written without a library."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

VARINT, EIGHT, BYTES, FOUR = 0, 1, 2, 5
_WIDTH = {EIGHT: 8, FOUR: 4}
_BITS_64 = (1 << 64) - 1
Data = TypeVar("Data", bytes, memoryview)


class Malformed(ValueError):
    """These bytes are no message."""


def fields(data: Data) -> Iterator[tuple[int, int | Data]]:
    """The number of each field and its value: a number if it is a varint, else its bytes, of the type of `data`.

    >>> list(fields(bytes([8, 150, 1, 18, 2, 104, 105])))
    [(1, 150), (2, b'hi')]

    Raises:
        Malformed: the bytes end within a field, or hold an unknown kind of one.
    """
    at, end = 0, len(data)
    while at < end:
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        if kind == BYTES:
            size, at = _varint(data, at)
        elif kind in _WIDTH:
            size = _WIDTH[kind]
        else:
            raise Malformed(f"a field of the kind {kind}")
        if at + size > end:
            raise Malformed("the message ends within a field")
        yield number, data[at : at + size]
        at += size


def put(number: int, value: int | str | bytes) -> bytes:
    """A field: an int as varint, anything else with its length.

    >>> put(1, 150) + put(2, "hi")
    b'\\x08\\x96\\x01\\x12\\x02hi'
    """
    if isinstance(value, int):
        return varint(number << 3 | VARINT) + varint(value & _BITS_64)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | BYTES) + varint(len(data)) + data


def varint(value: int) -> bytes:
    """A number that is not negative, seven bits to the byte."""
    made = bytearray()
    while value > 127:
        made.append(value & 127 | 128)
        value >>= 7
    made.append(value)
    return bytes(made)


def signed(value: int) -> int:
    """A varint as a whole number of 64 bits with a sign.

    >>> signed(2**64 - 1)
    -1
    """
    return value - (1 << 64) if value >> 63 else value


def _varint(data: bytes | memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value & _BITS_64, at
        shift += 7
    raise Malformed("a number without an end")
