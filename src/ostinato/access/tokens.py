"""The format of tokens: kind, public id, secret, and a checksum that lets secret scanners and typos be told apart."""

from __future__ import annotations

import hashlib
import secrets
import zlib
from dataclasses import dataclass

from ostinato.kernel.errors import Unauthenticated

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID, _SECRET, _CHECK = 10, 32, 6
_KINDS = {"person": "p", "service": "s", "worker": "w"}
_UNKNOWN = "the token is not known, expired or revoked"


@dataclass(frozen=True, slots=True)
class Parsed:
    """A well-formed token: its public `id`, and the SHA-256 of the whole."""

    id: str
    hash: bytes


def mint(kind: str) -> str:
    """A fresh token of 53 characters for a person, service or worker: `ost` + kind + `_` + 10 id + 32 secret (190 bits) + 6 CRC-32.

    >>> text = mint("service")
    >>> text[:5], len(text), parse(text).id == text[5:15]
    ('osts_', 53, True)
    """
    text = f"ost{_KINDS[kind]}_" + "".join(secrets.choice(_DIGITS) for _ in range(_ID + _SECRET))
    return text + _checksum(text)


def parse(text: str) -> Parsed:
    """Read a token, without asking whether anybody issued it.

    Raises:
        Unauthenticated: the text has not the form of a token, or a typing error.
    """
    known = (
        text.isascii() and len(text) == 5 + _ID + _SECRET + _CHECK and text[:3] == "ost" and text[3] in _KINDS.values() and text[4] == "_"
    )
    if not known or _checksum(text[:-_CHECK]) != text[-_CHECK:]:
        raise Unauthenticated("this is no token of Ostinato", hint="pass the whole text, of the form ostp_…")
    return Parsed(text[5 : 5 + _ID], hashlib.sha256(text.encode()).digest())


def unknown() -> Unauthenticated:
    """The one answer to every token that does not work, whatever the reason."""
    return Unauthenticated(_UNKNOWN, hint="people get another by `ostinato login`, services from who administers the project")


def _checksum(text: str) -> str:
    number, digits = zlib.crc32(text.encode()), ""
    for _ in range(_CHECK):
        number, digit = divmod(number, 62)
        digits = _DIGITS[digit] + digits
    return digits
