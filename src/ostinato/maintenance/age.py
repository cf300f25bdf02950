"""Encryption to a public key in the age format (age-encryption.org/v1), so that the writer cannot read (extra `age`)."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from ostinato.kernel.errors import Conflict, Corrupt, Invalid, MissingExtra, NotFound

_PIECE = 1 << 20
_CHUNK, _TAG, _NONCE = 64 << 10, 16, 16


class Recipients:
    """Those who will be able to read."""

    def __init__(self, keys: Sequence[str]) -> None:
        """`keys` are public keys of the form `age1…`.

        Raises:
            Invalid: one of them is none.
            MissingExtra: pyrage is not installed.
        """
        self._age = _pyrage()
        self.keys = tuple(keys)
        self._recipients = [self._recipient(key) for key in keys]

    def seal(self, content: Iterable[bytes]) -> Iterator[bytes]:
        """The content, encrypted, as it comes."""
        return _piped(content, lambda source, sink: self._age.encrypt_io(source, sink, self._recipients))

    def _recipient(self, key: str) -> Any:
        try:
            return self._age.x25519.Recipient.from_str(key)
        except self._age.RecipientError:
            hint = "that is an identity: whoever reads it can read the backups; give its public key" if "SECRET" in key else ""
            raise Invalid(
                "not a public key of age" if hint else f"not a public key of age: {key!r}",
                hint=hint or "it begins with age1; ostinato backup-key FILE makes a pair and prints it",
                field="to",
            ) from None


class Identities:
    """The keys that open what was encrypted to their public halves."""

    def __init__(self, path: Path) -> None:
        """Read a file as `age-keygen` and `ostinato backup-key` write it.

        Raises:
            NotFound: there is no such file.
            Invalid: there is no key in it.
            MissingExtra: pyrage is not installed.
        """
        self._age = _pyrage()
        try:
            lines = [line.strip() for line in path.read_text().splitlines()]
            keys = [line for line in lines if line and not line.startswith("#")]
            self._keys = [self._age.x25519.Identity.from_str(key) for key in keys]
        except FileNotFoundError:
            raise NotFound(f"no identity file {path}") from None
        except (self._age.IdentityError, UnicodeDecodeError):
            self._keys = []
        if not self._keys:
            raise Invalid(f"{path} holds no identity of age", hint="it has a line that begins with AGE-SECRET-KEY-1", field="identity")

    @property
    def recipients(self) -> list[str]:
        """Their public halves."""
        return [str(key.to_public()) for key in self._keys]

    def open(self, content: Iterable[bytes]) -> Iterator[bytes]:
        """The plain text of `content`, as it comes: whether it was cut off shows at the end only.

        Raises:
            Corrupt: it is damaged or cut off.
            Invalid: it was encrypted to somebody else.
        """
        try:
            yield from _piped(content, lambda source, sink: self._age.decrypt_io(source, sink, self._keys))
        except (self._age.DecryptError, OSError) as error:
            if "No matching keys" in str(error):
                raise Invalid(
                    "this identity does not open it", hint="give the identity to which it was encrypted", field="identity"
                ) from None
            raise Corrupt(f"damaged or cut off ({str(error).splitlines()[0]})") from None


def make(path: Path) -> str:
    """Make a pair of keys, put the identity into the new file `path` (0600), and return the public key.

    Raises:
        Conflict: the file is there already; it might be the only key to some backups.
        MissingExtra: pyrage is not installed.
    """
    identity = _pyrage().x25519.Identity.generate()
    public = str(identity.to_public())
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise Conflict(f"{path} is there already", hint="it may be the only key to some backups; name another file") from None
    with os.fdopen(handle, "w") as file:
        file.write(f"# created: {datetime.now(UTC).isoformat(timespec='seconds')}\n# public key: {public}\n{identity}\n")
        file.flush()
        os.fsync(file.fileno())
    return public


def least(size: int) -> int:
    """The minimal size of the cipher text of `size` bytes; less was truncated. The header, of some hundred bytes, varies."""
    return size + _NONCE + _TAG * max(1, -(-size // _CHUNK))


class _Pieces(io.RawIOBase):
    """An iterator as the file that pyrage wants; `failed` is what the iterator raised."""

    def __init__(self, content: Iterable[bytes]) -> None:
        self._source = iter(content)
        self._held = memoryview(b"")
        self.failed: BaseException | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        try:
            while not self._held:
                self._held = memoryview(next(self._source))
        except StopIteration:
            return 0
        except BaseException as error:
            self.failed = error
            raise
        count = min(len(target), len(self._held))
        target[:count] = self._held[:count]
        self._held = self._held[count:]
        return count

    def close(self) -> None:
        """Close the iterator."""
        if isinstance(self._source, Generator):
            self._source.close()
        super().close()


def _piped(content: Iterable[bytes], act: Callable[[IO[bytes], IO[bytes]], object]) -> Iterator[bytes]:
    """Stream `content` through `act` by a pipe, without holding it all in memory or on disk."""
    source, failed = _Pieces(content), list[BaseException]()
    outlet, inlet = os.pipe()

    def run() -> None:
        try:
            with open(inlet, "wb") as sink:
                act(source, sink)  # type: ignore[arg-type]
        except BaseException as error:
            failed.append(source.failed or error)
        finally:
            source.close()

    thread = threading.Thread(target=run, name="ostinato-age", daemon=True)
    thread.start()
    with open(outlet, "rb") as pipe:  # closed before its end, the thread ends as well
        while piece := pipe.read(_PIECE):
            yield piece
    thread.join()
    if failed:
        raise failed[0]


def _pyrage() -> Any:
    try:
        import pyrage  # type: ignore[import-untyped]
    except ModuleNotFoundError:
        raise MissingExtra.of("pyrage", "age") from None
    return pyrage
