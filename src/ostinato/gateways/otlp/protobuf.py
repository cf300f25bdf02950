"""Protocol buffers, as far as OTLP needs them: the fields of a message, and a message of a few fields."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from ostinato.kernel.errors import Invalid

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_WIDTH = {_FIXED64: 8, _FIXED32: 4}


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The number of each field and its value: a number if it is a varint, else its bytes.

    >>> list(fields(bytes([8, 150, 1, 18, 2, 104, 105])))
    [(1, 150), (2, b'hi')]

    Raises:
        Invalid: it is no message, or it is cut.
    """
    at, end = 0, len(message)
    while at < end:
        key, at = _varint(message, at)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        if wire == _BYTES:
            size, at = _varint(message, at)
        elif wire in _WIDTH:
            size = _WIDTH[wire]
        else:
            raise _broken(f"wire type {wire}")
        if at + size > end:
            raise _broken("it is cut")
        yield number, message[at : at + size]
        at += size


def text(value: int | bytes) -> str:
    """A field as text."""
    try:
        return _bytes(value).decode()
    except UnicodeDecodeError:
        raise _broken("a text is not UTF-8") from None


def blob(value: int | bytes) -> bytes:
    """A field as bytes."""
    return _bytes(value)


def fixed(value: int | bytes) -> int:
    """A field as a whole number of 64 bits and fixed width."""
    return int.from_bytes(_eight(value), "little")


def double(value: int | bytes) -> float:
    """A field as a number of double precision.

    >>> double(bytes(6) + bytes([248, 63]))
    1.5
    """
    found: float = struct.unpack("<d", _eight(value))[0]
    return found


def whole(value: int | bytes) -> int:
    """A field as a whole number of 64 bits with a sign.

    >>> whole(2**64 - 1)
    -1
    """
    if isinstance(value, bytes):
        raise _broken("a number is expected")
    return value - (1 << 64) if value >= 1 << 63 else value


def message(*parts: tuple[int, int | bytes]) -> bytes:
    """A message of these fields.

    >>> message((1, 150), (2, b"hi"))
    b'\\x08\\x96\\x01\\x12\\x02hi'
    """
    made = bytearray()
    for number, value in parts:
        if isinstance(value, int):
            made += _encoded(number << 3 | _VARINT) + _encoded(value)
        else:
            made += _encoded(number << 3 | _BYTES) + _encoded(len(value)) + value
    return bytes(made)


def _varint(message: bytes, at: int) -> tuple[int, int]:
    found = shift = 0
    while at < len(message) and shift < 70:
        byte = message[at]
        at += 1
        found |= (byte & 127) << shift
        if byte < 128:
            return found & (1 << 64) - 1, at
        shift += 7
    raise _broken("it is cut")


def _encoded(number: int) -> bytes:
    made = bytearray()
    while number > 127:
        made.append(number & 127 | 128)
        number >>= 7
    made.append(number)
    return bytes(made)


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise _broken("a number is not expected")
    return value


def _eight(value: int | bytes) -> bytes:
    if len(found := _bytes(value)) != 8:
        raise _broken(f"a number of 8 bytes has {len(found)}")
    return found


def _broken(why: str) -> Invalid:
    return Invalid(f"the body is no message of protocol buffers: {why}", hint="send an ExportTraceServiceRequest")
