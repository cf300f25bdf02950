"""Bytes: raw bytes as they are."""

from __future__ import annotations

from ostinato.storage.blobs.blobs import Blobs
from ostinato.storage.tables.tables import Tables


class Bytes:
    """Raw bytes, unchanged; a bytearray comes back as bytes."""

    def accepts(self, value: object) -> bool:
        return isinstance(value, bytes | bytearray)

    def keep(self, value: bytes, blobs: Blobs, tables: Tables) -> str:  # noqa: ARG002
        return blobs.put(bytes(value)).digest

    def fetch(self, digest: str, blobs: Blobs, tables: Tables) -> bytes:  # noqa: ARG002
        return blobs.open(digest)
