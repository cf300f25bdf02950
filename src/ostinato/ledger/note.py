"""Notes: signed checkpoints of a log, in the text form that outside witnesses read and write (C2SP signed-note, tlog-checkpoint)."""

from __future__ import annotations

import base64
import binascii
import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ostinato.kernel.errors import Invalid
from ostinato.kernel.frozen import frozen
from ostinato.ledger.merkle import HASH_SIZE

_ALGORITHM = b"\x01"  # Ed25519
_SIZE_DIGITS_MAX = 19


@frozen
class Checkpoint:
    """The content of a note: the first `size` entries of the log `origin` have the root `root`."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """What is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


class Verifier:
    """The public key of a log. `text` is how witnesses take it: `origin+id+key`."""

    def __init__(self, origin: str, key: bytes) -> None:
        self.origin = origin
        self.key_id = hashlib.sha256(origin.encode() + b"\n" + _ALGORITHM + key).digest()[:4]
        self.text = f"{origin}+{self.key_id.hex()}+{base64.b64encode(_ALGORITHM + key).decode()}"
        self._key = Ed25519PublicKey.from_public_bytes(key)

    @classmethod
    def parse(cls, text: str) -> Verifier:
        """The key in the form `origin+id+key`.

        Raises:
            Invalid: it is no Ed25519 key in that form.
        """
        origin, _, rest = text.strip().partition("+")
        key_id, _, packed = rest.partition("+")
        try:
            raw = base64.b64decode(packed, validate=True)
            found = cls(origin, raw[1:])
        except (ValueError, binascii.Error):
            found = None
        if found is None or raw[:1] != _ALGORITHM or found.key_id.hex() != key_id or not origin or any(c.isspace() for c in origin):
            raise Invalid("not the key of a ledger", hint="pass what `ostinato ledger key` prints", field="key")
        return found

    def check(self, note: str) -> Checkpoint:
        """What `note` states, if this key signed it; signatures by others are passed over.

        Raises:
            Invalid: it is no checkpoint, or this key did not sign it.
        """
        text, gap, signatures = note.replace("\r\n", "\n").strip().partition("\n\n")
        stated = _parse(text)
        if stated is None or not gap:
            raise Invalid("not a checkpoint of a ledger", hint="pass the note of an exported head", field="head")
        for line in signatures.split("\n"):
            if line.startswith(f"— {self.origin} ") and self._signed(f"{text}\n", line.rpartition(" ")[2]):
                return stated
        raise Invalid(f"the checkpoint of {stated.size} events was not signed by this ledger's key", field="head")

    def _signed(self, text: str, signature: str) -> bool:
        try:
            packed = base64.b64decode(signature, validate=True)
            self._key.verify(packed[4:], text.encode())
        except (ValueError, InvalidSignature):
            return False
        return packed[:4] == self.key_id


def signed(checkpoint: Checkpoint, verifier: Verifier, signature: bytes) -> str:
    """The note of a checkpoint with the signature of one key."""
    return f"{checkpoint.text()}\n— {verifier.origin} {base64.b64encode(verifier.key_id + signature).decode()}\n"


def _parse(text: str) -> Checkpoint | None:
    """The checkpoint, in exactly the form in which it is written; lines after the third are extensions, and passed over."""
    lines = text.split("\n")
    try:
        origin, size, packed = lines[:3]
        stated = Checkpoint(origin=origin, size=int(size[:_SIZE_DIGITS_MAX]), root=base64.b64decode(packed, validate=True))
    except ValueError:
        return None
    exact = origin and stated.size >= 0 and len(stated.root) == HASH_SIZE and "\n".join([*lines[:3], ""]) == stated.text()
    return stated if exact else None
