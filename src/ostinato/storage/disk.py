"""Disk: names that last, locks that die with their holder, and what the operating system says of a disk, in our words."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import sqlite3
from collections.abc import Iterator

from ostinato.kernel.errors import Exhausted, Unavailable

_FULL = {errno.ENOSPC, errno.EDQUOT}
_SICK = {errno.EIO, errno.EROFS}


def told(error: Exception, place: str | os.PathLike[str]) -> Exception:
    """The error as a caller is told of it; the error itself if the disk that holds `place` is not to blame."""
    code = error.errno if isinstance(error, OSError) else getattr(error, "sqlite_errorcode", 0) & 0xFF
    database = isinstance(error, sqlite3.Error)
    if (database and code == sqlite3.SQLITE_FULL) or (not database and code in _FULL):
        return Exhausted("the disk is full; nothing was written", hint=f"free some space for {os.fspath(place)}; reading goes on")
    if (database and code == sqlite3.SQLITE_IOERR) or (not database and code in _SICK):
        return Unavailable(f"the disk refuses: {error}", hint=f"look at the disk that holds {os.fspath(place)}, then try again")
    return error


@contextlib.contextmanager
def blamed(place: str | os.PathLike[str]) -> Iterator[None]:
    """In the block, what the operating system says of the disk that holds `place` is told in our words.

    Raises:
        Exhausted: the disk is full.
        Unavailable: it refuses.
    """
    try:
        yield
    except OSError as error:
        if (said := told(error, place)) is error:
            raise
        raise said from error


def flush(folder: str | os.PathLike[str]) -> None:
    """Make the names in a folder durable, as flushing a file does its content."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def take(handle: int, *, alone: bool = True) -> bool:
    """Take the lock of an open file, alone or with others who do not want it alone; it is let go of when the file is closed, however.

    False if somebody holds it already in a way that excludes this.
    """
    try:
        fcntl.flock(handle, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def locked(path: str | os.PathLike[str]) -> bool:
    """Whether a living process holds the lock of this file or folder alone; not if there is none."""
    try:
        lock = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not take(lock, alone=False)
    finally:
        os.close(lock)
