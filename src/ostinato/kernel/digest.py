"""Digests of values in one canonical form, so that equal values have equal digests everywhere."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no blanks; the input is plain JSON values.

    >>> canonical({"b": 1, "a": [True, None]})
    b'{"a":[true,null],"b":1}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest_of(value: Any) -> str:
    """SHA-256 of the canonical form, in hex: 64 characters."""
    return hashlib.sha256(canonical(value)).hexdigest()
