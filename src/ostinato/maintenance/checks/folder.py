"""Checks of the folder and its disk: permissions, leftovers, free space."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator

from ostinato.maintenance.checks.check import CheckedStore, Fault, problem, warning
from ostinato.maintenance.files import BLOBS, KEY, RESERVE, SECRETS
from ostinato.storage.blobs.keys import KEY_FILE
from ostinato.storage.disk import locked

_FREE_MIN = 64 << 20
_FREE_LOW = 1 << 30
_INODES_MIN = 1000
_OTHERS = 0o077
_OLD_S = 86_400
_KNOWN = {
    KEY: "whoever has it can sign another history, so hold the ledger against heads that you exported",
    "admin-token": "delete it, and the next start makes another",
    KEY_FILE: "ostinato rotate-keys makes another for what is stored from now on",
}


def permissions(checked: CheckedStore) -> Iterator[Fault]:
    """Secrets are for their owner alone, and this user may read and write the folder."""
    data = checked.data
    for name in SECRETS:
        path = data / name
        if path.exists() and (mode := path.stat().st_mode) & _OTHERS:
            yield problem(f"{name} is open to others (mode {mode & 0o777:03o})", f"chmod 600 {path}; take it for known: {_KNOWN[name]}")
        if path.exists() and path.stat().st_uid != data.stat().st_uid:
            yield problem(f"{name} belongs to another user than the folder", f"chown --reference={data} {path}")
    if data.stat().st_mode & _OTHERS:
        yield warning("other users of this machine can look into the folder", f"chmod 700 {data}")
    if not os.access(data, os.R_OK | os.W_OK | os.X_OK):
        yield problem("this user may not read and write the folder", f"run as the owner of {data}, or give it to this user with chown")
    if not (data / KEY).exists():
        yield problem(f"{KEY} is missing", "put it back from a backup: a new one would not fit the seals of the ledger")


def leftovers(checked: CheckedStore) -> Iterator[Fault]:
    """Nothing lies about that a killed process left."""
    arriving = checked.data / BLOBS / "arriving"
    aside = list(arriving.glob("leaving-*"))
    if aside:
        yield warning(f"a collection was interrupted; {len(aside)} blobs lie aside", "open the store once, with any command")
    old = [path for path in arriving.glob("tmp*") if time.time() - path.stat().st_mtime > _OLD_S]
    if old:
        yield warning(f"{len(old)} uploads were interrupted", "they are removed when the store is opened next, with any command")
    beside = checked.data.with_name(f".{checked.data.name}.restoring")
    if beside.exists() and not locked(beside):
        yield warning("a restore to this folder was interrupted", f"remove {beside}")


def disk(checked: CheckedStore) -> Iterator[Fault]:
    """The disk has room for what is to come."""
    free = shutil.disk_usage(checked.data).free
    mend = "ostinato collect shows what can go; move backups and other files elsewhere"
    if (checked.data / RESERVE).exists():
        mend = f"ostinato doctor --free-reserve gives some MiB at once; then: {mend}"
    if free < _FREE_LOW:
        yield (problem if free < _FREE_MIN else warning)(f"{free >> 20} MiB are free on the disk", mend)
    found = os.statvfs(checked.data)
    if found.f_files and found.f_favail < _INODES_MIN:
        yield problem(f"the disk has room for {found.f_favail} more files only", mend)
