"""The tree of errors. Each has a message, a hint that says what to do, and typed fields.

OstinatoError
├── Invalid            what was asked is malformed or breaks a rule of its type
├── Unauthenticated    nobody, or nobody we know, is asking
├── Denied             the actor is known and lacks a permission
├── NotFound           no such thing, or none that the actor may know of
├── Conflict           the thing is in a state that does not allow this, or exists already
├── GateFailed         a gate, a contract or a policy said no; the evidence is in `evidence`
├── TooLarge           a body or result beyond a stated limit
├── Exhausted          the disk is full; what was asked did not happen
├── Unavailable        try again: starting, draining, overloaded, or out of reach
├── Throttled          asked too often: slow down
├── Corrupt            stored bytes are not what was stored
├── StepFailed         user code in a pipeline raised; its traceback is in `traceback`
└── MissingExtra       an optional package is absent; the hint names the extra to install
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any


class OstinatoError(Exception):
    """Root of the tree. `str(error)` is one sentence; `hint` says what to do about it."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if hint:
            self.add_note(f"hint: {hint}")  # a traceback shows it as well

    def detail(self) -> dict[str, Any]:
        """The typed fields beyond message and hint, as JSON-able values."""
        return {k: v for k, v in vars(self).items() if k not in ("message", "hint", "__notes__")}


class Invalid(OstinatoError):
    """Malformed input. `field` is the path of the offending value, where there is one."""

    def __init__(self, message: str, *, hint: str = "", field: str = "") -> None:
        super().__init__(message, hint=hint)
        self.field = field


class Unauthenticated(OstinatoError):
    """No credentials, or credentials that are unknown, expired or revoked."""


class Denied(OstinatoError):
    """The actor lacks `permission`."""

    def __init__(self, message: str, *, hint: str = "", permission: str = "") -> None:
        super().__init__(message, hint=hint)
        self.permission = permission


class NotFound(OstinatoError):
    """No such thing; also the answer for what the actor may not know of."""

    @classmethod
    def named(cls, kind: str, name: object, known: Iterable[str] = ()) -> NotFound:
        """A NotFound that proposes the nearest known names, or else says which there are."""
        names = sorted(map(str, known))
        near = difflib.get_close_matches(str(name), names, n=3)
        some = ", ".join(names[:5]) + ", …" * (len(names) > 5)
        return cls(f"no {kind} {str(name)!r}", hint=f"did you mean {', '.join(near)}?" if near else f"known: {some}" if some else "")


class Conflict(OstinatoError):
    """The present state of a thing does not allow the act."""


class GateFailed(OstinatoError):
    """A gate, contract or policy refused; `evidence` holds what it measured."""

    def __init__(self, message: str, *, hint: str = "", evidence: Mapping[str, Any] | None = None) -> None:
        super().__init__(message, hint=hint)
        self.evidence = dict(evidence or {})


class TooLarge(OstinatoError):
    """Beyond a limit; the hint names the limit."""


class Exhausted(OstinatoError):
    """The disk is full: it takes somebody to make room. What was asked did not happen."""


class Unavailable(OstinatoError):
    """A passing condition: try again after `retry_after_s` seconds."""

    def __init__(self, message: str, *, hint: str = "", retry_after_s: float = 1.0) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s


class Throttled(OstinatoError):
    """Too many attempts: the next counts after `retry_after_s` seconds."""

    def __init__(self, message: str, *, hint: str = "", retry_after_s: float = 1.0) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s


class Corrupt(OstinatoError):
    """Stored bytes no longer have the digest under which they were stored."""


class StepFailed(OstinatoError):
    """A step of a pipeline raised; `step` names it, `traceback` is its text."""

    def __init__(self, message: str, *, hint: str = "", step: str = "", traceback: str = "") -> None:
        super().__init__(message, hint=hint)
        self.step = step
        self.traceback = traceback


class MissingExtra(OstinatoError):
    """An optional package is not installed."""

    @classmethod
    def of(cls, package: str, extra: str) -> MissingExtra:
        """The error for `package`, which the extra `extra` brings."""
        return cls(f"{package} is not installed", hint=f"pip install 'ostinato[{extra}]'")
