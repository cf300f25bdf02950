"""Disk: what the operating system says when a disk takes nothing more, in our words."""

from __future__ import annotations

import errno
import os
import sqlite3

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
