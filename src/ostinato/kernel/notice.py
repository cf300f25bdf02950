"""Notices: warnings to a caller whose call succeeds, such as that a model is deprecated. Python, HTTP and the CLI pass them on."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from urllib.parse import quote, unquote

_heard: ContextVar[list[str] | None] = ContextVar("ostinato_notices", default=None)


class Notice(UserWarning):
    """The warning category of notices."""


def notice(text: str) -> None:
    """Notify the caller: by a warning in process, a reply header on a server, a line on the command line."""
    told = _heard.get()
    if told is None:
        warnings.warn(text, Notice, stacklevel=3)
    elif text not in told:
        told.append(text)


@contextmanager
def collect_notices() -> Iterator[list[str]]:
    """Gather the notices of the block instead of warning of them.

    >>> with collect_notices() as told:
    ...     notice("model:late@3 is deprecated")
    >>> told
    ['model:late@3 is deprecated']
    """
    told: list[str] = []
    token = _heard.set(told)
    try:
        yield told
    finally:
        _heard.reset(token)


HEADER = "Ostinato-Notice"


def to_header(told: list[str]) -> str:
    """Encode notices as the value of a header.

    >>> from_header(to_header(["one, with a comma", "two"]))
    ['one, with a comma', 'two']
    """
    return ", ".join(quote(text, safe=" :;@/()'-._") for text in told)


def from_header(header: str) -> list[str]:
    """The notices in a header."""
    return [unquote(part) for part in header.split(", ")] if header else []
