"""Identifiers that sort by creation time (ULID: 48 bits of milliseconds, 80 random bits, Crockford base 32)."""

from __future__ import annotations

import os
import time

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [high + low for high in _ALPHABET for low in _ALPHABET]


def new_id() -> str:
    """A fresh identifier of 26 characters.

    >>> len(new_id())
    26
    """
    number = (time.time_ns() // 1_000_000 << 80) | int.from_bytes(os.urandom(10))
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(120, -1, -10)])
