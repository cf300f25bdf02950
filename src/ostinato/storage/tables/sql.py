"""Names and values in the text of a query, quoted."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

from ostinato.kernel.errors import Invalid


def name(identifier: str) -> str:
    """A quoted identifier.

    Raises:
        Invalid: it holds a NUL, where text ends for some readers.

    >>> print(name('a "b" c'))
    "a ""b"" c"
    """
    return '"' + _whole(identifier).replace('"', '""') + '"'


def literal(value: Any) -> str:
    """A value as an SQL literal.

    Raises:
        Invalid: the value is no text, number, truth value or instant.

    >>> literal("O'Hare"), literal(5), literal(True)
    ("'O''Hare'", '5', 'TRUE')
    """
    match value:
        case bool():
            return str(value).upper()
        case int():
            return str(value)
        case float() if math.isfinite(value):
            return f"{value!r}::DOUBLE"
        case str():
            return "'" + _whole(value).replace("'", "''") + "'"
        case datetime():
            return f"TIMESTAMPTZ '{value.isoformat()}'"
    raise Invalid(f"SQL cannot compare with {value!r}", hint="use text, finite numbers, true or false")


def any_of(predicates: list[str]) -> str:
    """The disjunction; an empty one is false."""
    return " OR ".join(f"({p})" for p in predicates) or "FALSE"


def _whole(text: str) -> str:
    if "\0" in text:
        raise Invalid(f"{text!r} holds a NUL", hint="leave it out")
    return text
