"""Routing from method and path to a verb, in constant time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Generic, Protocol, TypeVar

from ostinato.kernel.operation import Op
from ostinato.kernel.signature import placeholders
from ostinato.server.errors import NotAllowed

_SHAPES = {":str": "[^/]+", ":int": "[0-9]{1,18}", ":path": ".+"}
_BRACED = re.compile(r"\{[^}]*\}")
_NAME = re.compile(r"\{\w+")
_PLACE = re.compile(r"\{(:?\w*)\}")


class Routed(Protocol):
    """The target of a route."""

    op: Op


E = TypeVar("E", bound=Routed)
_Methods = dict[str, tuple[E, list[str]]]
"""The verbs of a path by their method, with the names of their placeholders."""


class Routes(Generic[E]):
    """The verbs by path. Words of a path go before placeholders, and those for one segment before those for several."""

    def __init__(self, endpoints: Sequence[E]) -> None:
        paths: dict[str, _Methods[E]] = {}
        for endpoint in sorted(endpoints, key=lambda e: precedence(e.op.path)):
            names = [name for name, _ in placeholders(endpoint.op.path)]
            paths.setdefault(_NAME.sub("{", endpoint.op.path), {})[endpoint.op.method] = endpoint, names
        self._words = {path: methods for path, methods in paths.items() if "{" not in path}
        self._shaped: dict[str, list[tuple[str, _Methods[E]]]] = {}
        for path, methods in paths.items():
            if path not in self._words:
                self._shaped.setdefault(_first(path), []).append((path, methods))

    def find(self, method: str, path: str) -> tuple[E, dict[str, str]] | None:
        """The verb and the texts of its placeholders; None if no verb has this path.

        Raises:
            NotAllowed: it has other methods.
        """
        first, allowed = "", set[str]()
        for methods, texts in self._at(path):
            if found := methods.get("GET" if method == "HEAD" else method):
                endpoint, names = found
                return endpoint, dict(zip(names, texts, strict=True))
            described = shape(next(iter(methods.values()))[0].op.path)
            first = first or described
            allowed |= methods.keys() if described == first else set()
        if not allowed:
            return None
        allow = sorted(allowed | ({"HEAD"} if "GET" in allowed else set()))
        raise NotAllowed(f"{method} is not possible at {path}", allow=", ".join(allow))

    def _at(self, path: str) -> Iterator[tuple[_Methods[E], tuple[str, ...]]]:
        if words := self._words.get(path):
            yield words, ()
        for shaped, methods in self._shaped.get(_first(path), ()):
            if found := _pattern(shaped).fullmatch(path):
                yield methods, found.groups()


def shape(path: str) -> str:
    """A path without the names and kinds of its placeholders: paths of one shape are one path to those who read the description.

    >>> shape("/runs/{run}/artifacts/{path:path}")
    '/runs/{}/artifacts/{}'
    """
    return _BRACED.sub("{}", path)


def precedence(path: str) -> list[tuple[int, str]]:
    """A sort key by which a route comes before those that would swallow its paths.

    >>> sorted(["/runs/{run}", "/runs/{run:path}/log", "/runs/search"], key=precedence)
    ['/runs/search', '/runs/{run}', '/runs/{run:path}/log']
    """
    ranks = {"int": 1, "str": 2, "path": 3}
    return [(ranks[placeholders(part)[0][1]] if "{" in part else 0, part) for part in path.split("/")]


def _first(path: str) -> str:
    return path.split("/", 2)[1]


@cache
def _pattern(path: str) -> re.Pattern[str]:
    """The pattern of a shape, with a group for each placeholder; compiled on first use."""
    words = (f"({_SHAPES[part or ':str']})" if i % 2 else re.escape(part) for i, part in enumerate(_PLACE.split(path)))
    return re.compile("".join(words), re.DOTALL)
