"""The interface of a doctor's check, and the store that it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple

from ostinato.kernel.settings import Settings
from ostinato.registry.sandbox.probe import active_guards
from ostinato.storage.disk import locked
from ostinato.storage.rows.chosen import rows_of
from ostinato.storage.rows.rows import Rows


class Fault(NamedTuple):
    """One thing that is wrong. A `warning` can wait, a `problem` cannot."""

    level: Literal["problem", "warning"]
    what: str
    mend: str


Check = Callable[["CheckedStore"], Iterator[Fault]]


@dataclass(frozen=True)
class CheckedStore:
    """A store: its folder, its settings, and its rows once somebody asks for them; `close` it."""

    data: Path
    settings: Settings

    @cached_property
    def rows(self) -> Rows:
        """The rows; nothing is made or migrated."""
        return rows_of(self.settings)

    @cached_property
    def guards(self) -> dict[str, bool]:
        """Whether each guard of the sandbox works on this machine."""
        return active_guards(self.data)

    def close(self) -> None:
        """Close the rows."""
        if "rows" in self.__dict__:
            self.rows.close()

    @property
    def served(self) -> bool:
        """Whether a server holds the folder."""
        return locked(self.data / "server.lock")


def problem(what: str, mend: str) -> Fault:
    """Something that cannot wait."""
    return Fault("problem", what, mend)


def warning(what: str, mend: str) -> Fault:
    """Something that can wait."""
    return Fault("warning", what, mend)
