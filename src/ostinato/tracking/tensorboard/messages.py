"""Encoding and decoding of the protobuf messages in event files."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from ostinato.kernel import protobuf
from ostinato.kernel.protobuf import EIGHT, FOUR, Malformed, varint


def fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """The fields of a message: number, and an int, the bytes of a fixed value, or a view of what is longer.

    Raises:
        Malformed: the bytes end within a field, or hold an unknown kind of one, or one that is no number has the number 0.
    """
    for number, value in protobuf.fields(data):
        if number == 0 and not isinstance(value, int):
            raise Malformed("a field without a number")
        yield number, value


def view(value: Any) -> memoryview:
    """A field that must be longer than a number."""
    if isinstance(value, int):
        raise Malformed("a number where a message is expected")
    return memoryview(value)


def signed(value: Any) -> int:
    """An int64, as which negative numbers take ten bytes."""
    if not isinstance(value, int):
        raise Malformed("bytes where a number is expected")
    return protobuf.signed(value)


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
        return varint(number << 3 | (EIGHT if code == "d" else FOUR)) + struct.pack(f"<{code}", value)
    return protobuf.put(number, value)
