"""Ref: how anything in Ostinato points at anything else."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ostinato.kernel.errors import Invalid

_SHAPE = re.compile(
    r"(?P<kind>[a-z][a-z_]{0,31}):(?P<name>[A-Za-z0-9][A-Za-z0-9._/+=%-]{0,199})(?:@(?P<version>[A-Za-z0-9][A-Za-z0-9._-]{0,63}))?"
)


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
        match = _SHAPE.fullmatch(full)
        if match is None:
            raise Invalid(f"not a reference: {text!r}", hint="write kind:name or kind:name@version, such as model:late@7")
        if kind is not None and match["kind"] != kind:
            raise Invalid(f"expected a {kind}, got {text!r}", hint=f"write {kind}:name or {kind}:name@version")
        return cls(match["kind"], match["name"], match["version"])

    def at(self, version: int | str) -> Ref:
        """The same thing at another version."""
        return Ref(self.kind, self.name, str(version))


del Ref.__dataclass_fields__  # msgspec takes dataclasses apart; a Ref travels whole, as its string (kernel/signature.py)
