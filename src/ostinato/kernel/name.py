"""Checks of the names that people give to datasets, deliveries, models, monitors and endpoints."""

from __future__ import annotations

import re

from ostinato.kernel.errors import Invalid

_FORM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def checked_name(name: str, of: str, *, most: int = 100, field: str = "name") -> str:
    """The name, if it is valid in references, addresses and paths without escaping.

    Raises:
        Invalid: it is empty, longer than `most`, begins with a sign, or holds other signs than `._-`.

    >>> checked_name("flight-delay", "a model")
    'flight-delay'
    """
    if len(name) > most or not _FORM.fullmatch(name):
        hint = f"up to {most} letters, digits, dots, dashes and underscores, the first a letter or digit"
        raise Invalid(f"not a name of {of}: {name!r}", hint=hint, field=field)
    return name
