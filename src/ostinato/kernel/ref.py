"""Ref: the one form of reference, from anything in Ostinato to anything else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from ostinato.kernel.errors import Invalid

_SHAPE = re.compile(
    r"(?P<kind>[a-z][a-z_]{0,31}):(?P<name>[A-Za-z0-9][A-Za-z0-9._/+=%-]{0,199})(?:@(?P<version>[A-Za-z0-9][A-Za-z0-9._-]{0,63}))?"
)
_CHARACTERS_MAX = 32 + 1 + 200 + 1 + 64


@dataclass(frozen=True, slots=True)
class Ref:
    """A kind, a name and perhaps a version, written `model:late@7`, `run:01J…` or `endpoint:late`.

    The version is a number (`@7`) or an alias (`@champion`). A Ref names a thing within a project; who may
    look at the thing is decided where the Ref is resolved.

    >>> Ref.parse("dataset:flights@4")
    Ref(kind='dataset', name='flights', version='4')
    >>> str(Ref("model", "late", "champion"))
    'model:late@champion'
    """

    kind: str
    name: str
    version: str | None = None

    def __post_init__(self) -> None:
        if not _SHAPE.fullmatch(str(self)):
            raise Invalid(f"not a reference: {str(self)!r}", hint="write kind:name or kind:name@version, such as model:late@7")

    def __reduce__(self) -> tuple[type[Ref], tuple[str, str, str | None]]:
        return Ref, (self.kind, self.name, self.version)

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" + (f"@{self.version}" if self.version is not None else "")

    @classmethod
    def parse(cls, text: str, kind: str | None = None) -> Ref:
        """Read `kind:name@version`; with `kind` given, the bare form `name@version` is read as well.

        Raises:
            Invalid: the text has another shape or names another kind.
        """
        full = text if kind is None or ":" in text else f"{kind}:{text}"
        found = _read(full) if len(full) <= _CHARACTERS_MAX else None
        if found is None:
            raise Invalid(f"not a reference: {text!r}", hint="write kind:name or kind:name@version, such as model:late@7")
        if kind is not None and found.kind != kind:
            raise Invalid(f"expected a {kind}, got {text!r}", hint=f"write {kind}:name or {kind}:name@version")
        return found

    def at(self, version: int | str) -> Ref:
        """The same thing at another version."""
        return Ref(self.kind, self.name, str(version))


@lru_cache(8192)
def _read(text: str) -> Ref | None:
    """The reference in its full form; few are read again and again, wherever events and lineage are listed."""
    match = _SHAPE.fullmatch(text)
    return Ref(match["kind"], match["name"], match["version"]) if match else None


del Ref.__dataclass_fields__  # msgspec takes dataclasses apart; a Ref travels whole, as its string (kernel/signature.py)
