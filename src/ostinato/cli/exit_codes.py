"""The exit codes, which scripts may rely on.

0 done · 1 a check said no (a reply whose `ok` is false) or an unforeseen error · 2 bad input or usage · 3 not signed in, or
not allowed · 4 no such thing · 5 conflict · 6 a gate, contract or policy refused · 7 out of reach for now · 8 damaged or
missing parts, a full disk
"""

from __future__ import annotations

from ostinato.kernel.errors import (
    Conflict,
    Corrupt,
    Denied,
    Exhausted,
    GateFailed,
    Invalid,
    MissingExtra,
    NotFound,
    OstinatoError,
    StepFailed,
    Throttled,
    TooLarge,
    Unauthenticated,
    Unavailable,
)

CHECK_FAILED = 1
USAGE = 2

_CODES: dict[type[OstinatoError], int] = {
    Invalid: USAGE,
    TooLarge: USAGE,
    Unauthenticated: 3,
    Denied: 3,
    NotFound: 4,
    Conflict: 5,
    GateFailed: 6,
    StepFailed: 6,
    Unavailable: 7,
    Throttled: 7,
    Exhausted: 8,
    Corrupt: 8,
    MissingExtra: 8,
    OstinatoError: 1,
}


def code_of(error: OstinatoError) -> int:
    """The exit code for an error.

    >>> code_of(NotFound("no model 'late'"))
    4
    """
    return next(_CODES[cls] for cls in type(error).__mro__ if cls in _CODES)
