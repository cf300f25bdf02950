"""Op: one line per public operation, read by the HTTP router, the permission check, OpenAPI, the client and the CLI."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Op:
    """A verb of a service behind a method and a path.

    `path` holds `{name}` for parameters of `verb` that stand in the path; a `{name:path}` parameter may hold slashes.
    The other parameters come from the query (GET, DELETE) or from the JSON body; a parameter annotated `bytes` is the
    raw body, and then the others come from the query. A verb that returns `bytes` answers them raw. `needs` is the
    permission, `noun:verb`; the empty string means any signed-in actor, and `"public"` anybody.
    """

    method: str
    path: str
    verb: Callable[..., Any]
    needs: str
    status: int = 200

    @property
    def name(self) -> str:
        """The verb's name, as the client and the CLI say it."""
        return self.verb.__name__
