"""Encryption of the secret parameters of subscriptions; no verb returns them."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ostinato.kernel.errors import Corrupt, Invalid
from ostinato.ledger.signing_key import SigningKey

MARK = "sealed:"
"""With this begins what is sealed."""
_NONCE = 12


class Envelope:
    """Encrypts the secrets of one subscription with a key derived for it."""

    def __init__(self, seal: SigningKey, project: str, name: str) -> None:
        self._aead = AESGCM(seal.derive(f"sealed/{project}/{name}"))

    def sealed(self, parameters: Mapping[str, Any], secrets: Iterable[str]) -> dict[str, Any]:
        """The parameters, with those in `secrets` encrypted.

        Raises:
            Invalid: another begins as if it were sealed.
        """
        if odd := [key for key, value in parameters.items() if key not in secrets and _is_sealed(value)]:
            raise Invalid(f"{odd[0]} begins with {MARK!r}", hint="that is how secrets are kept", field=odd[0])
        return {key: self._seal(value) if key in secrets and value else value for key, value in parameters.items()}

    def opened(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters as they were given.

        Raises:
            Corrupt: one was not sealed here.
        """
        return {key: self._open(value) if _is_sealed(value) else value for key, value in parameters.items()}

    def _seal(self, value: Any) -> str:
        nonce = os.urandom(_NONCE)
        return MARK + base64.b64encode(nonce + self._aead.encrypt(nonce, str(value).encode(), None)).decode()

    def _open(self, value: str) -> str:
        try:
            content = base64.b64decode(value.removeprefix(MARK), validate=True)
            return self._aead.decrypt(content[:_NONCE], content[_NONCE:], None).decode()
        except (ValueError, InvalidTag) as error:
            raise Corrupt("a sealed parameter was not sealed by this store", hint="subscribe anew") from error


def masked(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters with secrets masked."""
    return {key: MARK if _is_sealed(value) else value for key, value in parameters.items()}


def _is_sealed(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(MARK)
