"""Protocol buffers of OTLP; a malformed message is refused as an invalid body."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from ostinato.kernel import protobuf as wire
from ostinato.kernel.errors import Invalid


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The number of each field and its value: a number if it is a varint, else its bytes.

    Raises:
        Invalid: it is no message, or it is cut.
    """
    try:
        yield from wire.fields(message)
    except wire.Malformed as error:
        raise _broken(str(error)) from None


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
    return wire.signed(value)


def message(*parts: tuple[int, int | bytes]) -> bytes:
    """A message of these fields.

    >>> message((1, 150), (2, b"hi"))
    b'\\x08\\x96\\x01\\x12\\x02hi'
    """
    return b"".join(wire.put(number, value) for number, value in parts)


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
