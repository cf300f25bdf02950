"""Objects: the seam to named bytes in a folder or a bucket. What backups are made of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from ostinato.kernel.errors import Invalid
from ostinato.kernel.frozen import frozen

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")


@frozen
class Object:
    """The name of an object, and its size in bytes."""

    name: str
    size: int


class Objects(Protocol):
    """A place for named bytes. An object appears with all its bytes or not at all, and is durable when `put` returns."""

    def all(self, prefix: str = "") -> Iterator[Object]:
        """Every object whose name begins with the segments of `prefix`, in no order."""
        ...

    def put(self, name: str, content: Iterable[bytes]) -> None:
        """Store the concatenation of the pieces, in the place of an earlier object of that name; nothing if the source fails."""
        ...

    def get(self, name: str) -> Iterator[bytes]:
        """The bytes of an object in pieces of at most 1 MiB.

        Raises:
            NotFound: there is no such object.
        """
        ...

    def delete(self, name: str) -> None:
        """Forget an object; no error if there is none."""
        ...

    def held(self, *, alone: bool) -> AbstractContextManager[None]:
        """Hold the place to add to it, or, `alone`, to delete from it.

        Raises:
            Conflict: somebody else holds it in a way that excludes this one.
        """
        ...


def named(name: str) -> str:
    """The name itself, once it has the shape of one: segments of letters, digits, `.`, `_` and `-` that begin with no dot.

    >>> named("blobs/ab/cd.json")
    'blobs/ab/cd.json'
    """
    if not _NAME.fullmatch(name):
        raise Invalid(f"not a name of an object: {name!r}", field="name")
    return name
