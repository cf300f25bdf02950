"""The Ed25519 signing key of a store."""

from __future__ import annotations

import hashlib
import hmac
import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ostinato.access.keyfile import read_or_create
from ostinato.kernel.errors import Corrupt
from ostinato.ledger.note import Checkpoint, Verifier, signed

_SEED_BYTES = 32


class SigningKey:
    """An Ed25519 key whose seed is in a file that only its owner may read."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        key = self._private.public_key().public_bytes_raw()
        self.public = Verifier(f"ostinato/{hashlib.sha256(key).hexdigest()[:16]}", key)

    @classmethod
    def at(cls, path: Path) -> SigningKey:
        """The key in the file `path`, made on first use; of several processes that make it at once, one wins.

        Raises:
            Corrupt: the file holds something else, or is lost: the store has begun.
        """
        lost = path.with_name("admin-token").exists() and not path.exists()
        if lost or len(seed := read_or_create(path, lambda: os.urandom(_SEED_BYTES))) != _SEED_BYTES:
            hint = f"put {path.name} back from a backup: a new one would not fit the seals of the ledger"
            raise Corrupt(f"{path} is lost" if lost else f"{path} holds no key", hint=hint)
        return cls(seed)

    def sign(self, size: int, root: bytes) -> str:
        """The note that states the root of the first `size` events. The same note each time: Ed25519 draws no random numbers."""
        checkpoint = Checkpoint(origin=self.public.origin, size=size, root=root)
        return signed(checkpoint, self.public, self._private.sign(checkpoint.text().encode()))

    def derive(self, purpose: str) -> bytes:
        """A secret for `purpose`, always the same: 32 bytes that tell nothing about the key."""
        return hmac.digest(self._seed, b"ostinato derived secret\n" + purpose.encode(), "sha256")
