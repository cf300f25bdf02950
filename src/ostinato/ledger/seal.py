"""Seals: signed checkpoints of the ledger, in the text form that outside witnesses read (C2SP signed-note, tlog-checkpoint)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ostinato.access.keyfile import keep
from ostinato.kernel.errors import Invalid


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What a note states: the first `size` entries of the log `origin` have the root `root`."""

    origin: str
    size: int
    root: bytes


class Seal:
    """The signing key of a store, an Ed25519 seed in a file that only its owner may read."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self._public = self._private.public_key()
        key = self._public.public_bytes_raw()
        self.origin = f"ostinato/{hashlib.sha256(key).hexdigest()[:16]}"
        self._key_id = hashlib.sha256(self.origin.encode() + b"\n\x01" + key).digest()[:4]

    @classmethod
    def at(cls, path: Path) -> Seal:
        """The key in the file `path`, made on first use; of several processes that make it at once, one wins."""
        return cls(keep(path, lambda: os.urandom(32)))

    @property
    def verifier(self) -> str:
        """The public key as witnesses take it: `name+id+key`."""
        key = base64.b64encode(b"\x01" + self._public.public_bytes_raw()).decode()
        return f"{self.origin}+{self._key_id.hex()}+{key}"

    def sign(self, size: int, root: bytes) -> str:
        """The note that states the root of the first `size` events."""
        text = f"{self.origin}\n{size}\n{base64.b64encode(root).decode()}\n"
        signature = base64.b64encode(self._key_id + self._private.sign(text.encode())).decode()
        return f"{text}\n— {self.origin} {signature}\n"

    def check(self, note: str) -> Checkpoint:
        """What `note` states, if this store's key signed it; signatures by others are passed over.

        Raises:
            Invalid: it is no checkpoint, or this key did not sign it.
        """
        text, gap, signatures = note.strip().partition("\n\n")
        lines = text.split("\n")
        try:
            stated = Checkpoint(origin=lines[0], size=int(lines[1]), root=base64.b64decode(lines[2], validate=True))
        except (IndexError, ValueError) as error:
            raise Invalid("not a checkpoint of a ledger", hint="pass the `note` of an exported head", field="head") from error
        for line in signatures.split("\n") if gap else []:
            if stated.size > 0 and line.startswith(f"— {self.origin} ") and self._signed(f"{text}\n", line.rpartition(" ")[2]):
                return stated
        raise Invalid(f"the checkpoint of {stated.size} events was not signed by this store's key", field="head")

    def _signed(self, text: str, signature: str) -> bool:
        try:
            packed = base64.b64decode(signature, validate=True)
            self._public.verify(packed[4:], text.encode())
        except (binascii.Error, InvalidSignature):
            return False
        return packed[:4] == self._key_id

    def derive(self, purpose: str) -> bytes:
        """A secret for `purpose`, always the same: 32 bytes that tell nothing about the key."""
        return hmac.digest(self._seed, b"ostinato derived secret\n" + purpose.encode(), "sha256")
