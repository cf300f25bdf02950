"""Password rules and hashes (argon2id; Biryukov, Dinu & Khovratovich, EuroS&P 2016)."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ostinato.kernel.errors import Invalid, Throttled

if TYPE_CHECKING:
    from argon2 import PasswordHasher

T = TypeVar("T")
LENGTH_MIN = 8
LENGTH_MAX = 1024
_PRODUCT = "ostinato"
_HASHED_AT_ONCE = 2
_WAITING_MAX = 16
_FRAGMENT = 6
"""So many bytes of a SHA-256 stand for a password in the list of the commonest."""


class Passwords:
    """Makes and checks hashes, two at a time: each takes `memory_kib` (64 MiB) and about 0.13 s of a core."""

    def __init__(self, rounds: int = 3, memory_kib: int = 65_536) -> None:
        self._rounds = rounds
        self._memory_kib = memory_kib
        self._room = threading.BoundedSemaphore(_HASHED_AT_ONCE + _WAITING_MAX)
        self._turn = threading.BoundedSemaphore(_HASHED_AT_ONCE)

    @cached_property
    def _hasher(self) -> PasswordHasher:
        from argon2 import PasswordHasher  # 20 ms that only those wait for who sign in

        return PasswordHasher(time_cost=self._rounds, memory_cost=self._memory_kib, parallelism=1)

    @cached_property
    def _nobody(self) -> str:
        return self._hasher.hash("nobody has this password")

    def hash(self, password: str) -> str:
        """The hash of a password, with its salt and costs.

        Raises:
            Throttled: too many are waiting.
        """
        return self._with_slot(lambda: self._hasher.hash(password))

    def matches(self, hashed: str | None, password: str) -> bool:
        """Whether this is the password; takes as long if there is none.

        Raises:
            Throttled: too many are waiting.
        """
        return self._with_slot(lambda: self._verify(hashed or self._nobody, password)) and hashed is not None

    def outdated(self, hashed: str) -> bool:
        """Whether the hash was made at another cost than it would be today."""
        return self._hasher.check_needs_rehash(hashed)

    def _verify(self, hashed: str, password: str) -> bool:
        from argon2.exceptions import VerifyMismatchError

        try:
            return self._hasher.verify(hashed, password)
        except VerifyMismatchError:
            return False

    def _with_slot(self, work: Callable[[], T]) -> T:
        if not self._room.acquire(blocking=False):
            raise Throttled("too many are signing in at this moment", hint="try again in a few seconds", retry_after_s=2.0)
        try:
            with self._turn:
                return work()
        finally:
            self._room.release()


def checked_password(password: str, name: str) -> str:
    """`password`, if the person called `name` may choose it: long enough, not one of the commonest, not made of names.

    No rule says which signs it must hold, and it is neither shortened nor changed.

    Raises:
        Invalid: it may not be chosen; the message never repeats it.
    """
    rest = password.casefold()
    for word in (_PRODUCT, name.casefold()):
        rest = rest.replace(word, "")
    if len(password) < LENGTH_MIN or len(password) > LENGTH_MAX:
        raise _refused(f"a password has {LENGTH_MIN} to {LENGTH_MAX} characters")
    if not password.isascii() and any("\ud800" <= sign <= "\udfff" for sign in password):
        raise _refused("the password holds what is no character")
    if is_widespread(password) or is_widespread(password.casefold()):
        raise _refused("this password is one of those that are tried first")
    if len(rest) < LENGTH_MIN:
        raise _refused("without your name and the product's, too little is left of this password")
    return password


def is_widespread(password: str) -> bool:
    """Whether it is among the commonest passwords that have leaked.

    >>> is_widespread("trustno1"), is_widespread("a phrase of one's own")
    (True, False)
    """
    return hashlib.sha256(password.encode()).digest()[:_FRAGMENT] in _widespread()


@cache
def _widespread() -> frozenset[bytes]:
    """The 11,611 passwords of eight characters or more among the 30,000 commonest that zxcvbn 4.4.2 (MIT) lists, as hashes."""
    content = Path(__file__).with_name("passwords.sha256").read_bytes()
    return frozenset(content[at : at + _FRAGMENT] for at in range(0, len(content), _FRAGMENT))


def _refused(message: str) -> Invalid:
    return Invalid(message, hint="a phrase of several words is long, and easy to keep in mind", field="password")
