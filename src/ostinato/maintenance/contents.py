"""The contents of backups, each stored once under a name made of its digest, beside the manifests that name it.

Plain, the name is the digest. Encrypted, it is a keyed hash of the digest, with a key that the store has and the place has not:
so what is there already is found without reading any of it, and the place can tell neither the contents nor whether it holds
some file that it knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from blake3 import blake3

from ostinato.maintenance.age import Identities, Recipients, least
from ostinato.storage.objects.objects import Objects

PLAIN = "blobs"
SEALED = "sealed"


class Contents(Protocol):
    """Contents by digest, in the place of backups."""

    def name(self, digest: str) -> str:
        """The name of the object that holds the content of that digest."""
        ...

    def fits(self, size: int, stored: int) -> bool:
        """Whether an object of `stored` bytes can be a content of `size` bytes; else it was cut off."""
        ...

    def put(self, digest: str, content: Iterable[bytes]) -> None:
        """Store a content; nothing if the source fails."""
        ...

    def get(self, digest: str) -> Iterator[bytes]:
        """The content stored under that digest, not verified.

        Raises:
            NotFound: nothing was.
            Corrupt: it cannot be decrypted.
        """
        ...


class Plain:
    """Contents as they are."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def name(self, digest: str) -> str:
        return f"{PLAIN}/{digest[:2]}/{digest}"

    def fits(self, size: int, stored: int) -> bool:
        return size == stored

    def put(self, digest: str, content: Iterable[bytes]) -> None:
        self._objects.put(self.name(digest), content)

    def get(self, digest: str) -> Iterator[bytes]:
        return self._objects.get(self.name(digest))


class Sealed:
    """Contents encrypted to `recipients`, and read with `identities`; each is a file of age."""

    def __init__(
        self, objects: Objects, names: bytes, *, recipients: Recipients | None = None, identities: Identities | None = None
    ) -> None:
        """`names` is the key of names, 32 bytes."""
        self._objects = objects
        self._names = names
        self._recipients = recipients
        self._identities = identities

    def name(self, digest: str) -> str:
        keyed = blake3(digest.encode(), key=self._names).hexdigest()
        return f"{SEALED}/{keyed[:2]}/{keyed}"

    def fits(self, size: int, stored: int) -> bool:
        return stored > least(size)

    def put(self, digest: str, content: Iterable[bytes]) -> None:
        assert self._recipients is not None
        self._objects.put(self.name(digest), self._recipients.seal(content))

    def get(self, digest: str) -> Iterator[bytes]:
        assert self._identities is not None
        return self._identities.open(self._objects.get(self.name(digest)))
