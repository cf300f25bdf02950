"""The Ed25519 signing key of a store."""

from __future__ import annotations

import hashlib
import hmac
import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ostinato.access.keyfile import read_or_create
from ostinato.ledger.note import Checkpoint, Verifier, signed


class SigningKey:
    """An Ed25519 key whose seed is in a file that only its owner may read."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        key = self._private.public_key().public_bytes_raw()
        self.public = Verifier(f"ostinato/{hashlib.sha256(key).hexdigest()[:16]}", key)

    @classmethod
    def at(cls, path: Path) -> SigningKey:
        """The key in the file `path`, made on first use; of several processes that make it at once, one wins."""
        return cls(read_or_create(path, lambda: os.urandom(32)))

    def sign(self, size: int, root: bytes) -> str:
        """The note that states the root of the first `size` events. The same note each time: Ed25519 draws no random numbers."""
        checkpoint = Checkpoint(origin=self.public.origin, size=size, root=root)
        return signed(checkpoint, self.public, self._private.sign(checkpoint.text().encode()))

    def derive(self, purpose: str) -> bytes:
        """A secret for `purpose`, always the same: 32 bytes that tell nothing about the key."""
        return hmac.digest(self._seed, b"ostinato derived secret\n" + purpose.encode(), "sha256")
