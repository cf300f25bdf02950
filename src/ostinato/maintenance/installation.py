"""Installation: which versions serve a store, where its content lies, the space that it takes, and what the doctor says of it."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
from importlib.metadata import version
from pathlib import Path

from ostinato.kernel.frozen import frozen
from ostinato.kernel.settings import Settings
from ostinato.maintenance.doctor import Diagnosis, examine


@frozen
class Used:
    """The space that something in the folder of a store takes: a file there, or a folder with all that is in it."""

    name: str
    files: int
    size: int


@frozen
class Installation:
    """A store and the program that serves it. Sizes are in bytes.

    `rows` and `blobs` say in which kind of storage each lies, `used` what takes space in the folder, the largest first.
    """

    version: str
    python: str
    rows: str
    blobs: str
    encrypted: bool
    used: list[Used]
    free: int
    disk: int
    diagnosis: Diagnosis


def describe(data: Path) -> Installation:
    """Describe the store in the folder `data`, also beside a running server. Blobs and logs are counted, not read, and no library
    of models is loaded.

    Raises:
        NotFound: there is no store in `data`.
        Invalid: a setting is malformed.
    """
    settings = Settings.read(data)
    diagnosis = examine(data, quick=True, load=False)
    place = shutil.disk_usage(data)
    return Installation(
        version=version("ostinato"),
        python=platform.python_version(),
        rows="PostgreSQL" if settings.database_url else f"SQLite {sqlite3.sqlite_version}",
        blobs=settings.blobs_url.partition("://")[0] if settings.blobs_url else "files",
        encrypted=bool(settings.encrypt),
        used=_used(data),
        free=place.free,
        disk=place.total,
        diagnosis=diagnosis,
    )


def _used(data: Path) -> list[Used]:
    with os.scandir(data) as entries:
        found = [_measured(entry) for entry in entries if not entry.is_symlink()]
    return sorted((one for one in found if one.size), key=lambda one: (-one.size, one.name))


def _measured(entry: os.DirEntry[str]) -> Used:
    if not entry.is_dir():
        return Used(name=entry.name, files=1, size=_size(entry.path))
    sizes = [_size(os.path.join(folder, name)) for folder, _, names in os.walk(entry.path) for name in names]
    return Used(name=f"{entry.name}/", files=len(sizes), size=sum(sizes))


def _size(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except FileNotFoundError:  # removed meanwhile, by the running server
        return 0
