"""The folders of journals, and the locks of their writers and shippers.

A place holds a folder per run, and in it one per process that logs to the run: `about.json`, segments, copies of files, the cursor.
Two locks of the system, which end with the process that holds them: `alive` is held by the writer, `cursor` by whoever ships.
A place may be shared, and what is shipped is sent in the name of who ships it: so only one's own journals count, and no link is followed.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from urllib.parse import quote

from ostinato.kernel.frozen import frozen

_ABOUT = "about.json"
_ALIVE = "alive"
_CURSOR = "cursor"
REFUSED = "refused.txt"
_held: set[int] = set()
"""The locks of this process. A child of a fork gets them too, and would keep them beyond its parent's death: it closes its own."""


@frozen
class About:
    """The description of a journal: the run, the store it is meant for (a server's `url`, or the folder `data`), the project, the writer.

    A `child`, of a fork or a worker to which the run was sent, does not ship its journal: its parent does.
    """

    run: str
    experiment: str
    url: str = ""
    data: str = ""
    project: str = "default"
    host: str = ""
    rank: int = 0
    child: bool = False


def default_place() -> Path:
    """The folder of the user for journals: `$XDG_STATE_HOME/ostinato/journal`, by default within `~/.local/state`."""
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(state).expanduser() / "ostinato" / "journal"


def folder_of(place: Path, run: str) -> Path:
    """The folder of the journals of a run."""
    return place / quote(run, safe="")


def journals(place: Path) -> Iterator[Path]:
    """All journals beneath a folder: a place, the folder of a run, or one journal."""
    for depth in ("", "*/", "*/*/"):
        yield from sorted(found.parent for found in place.glob(depth + _ABOUT) if not found.parent.name.startswith("."))


def make(folder: Path, about: About) -> int:
    """Create the folder of a journal, for its owner only; returns the descriptor that says that the writer lives.

    Raises:
        OSError: there is no room, or the folder of the run is another user's.
    """
    new = folder.with_name(f".{folder.name}")
    folder.parent.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        folder.parent.mkdir(mode=0o700)
    except FileExistsError:
        if not _own(folder.parent):
            raise PermissionError(errno.EPERM, "another user has the folder of the run, or may write there", str(folder.parent)) from None
    new.mkdir(mode=0o700)
    try:
        alive = lock_file(new / _ALIVE)
        with open(open_file(new / _ABOUT, os.O_WRONLY | os.O_CREAT), "w") as file:
            json.dump(asdict(about), file)
        new.rename(folder)  # nobody sees a journal without its lock
    except OSError:
        shutil.rmtree(new, ignore_errors=True)
        raise
    assert alive is not None
    return alive


def about(folder: Path) -> About:
    """Read the description of a journal."""
    with open(open_file(folder / _ABOUT)) as file:
        return About(**json.load(file))


def own_journals(home: Path) -> Iterator[tuple[Path, About]]:
    """All journals of this user beneath a folder, and what they are of; one that is removed meanwhile is passed over."""
    for folder in journals(home):
        with contextlib.suppress(OSError, ValueError, TypeError):
            if _trusted(folder, home):
                yield folder, about(folder)


def foreign_journal(home: Path) -> Path | None:
    """A journal below a folder that another user owns or can write to; None if there is none."""
    for folder in journals(home):
        with contextlib.suppress(FileNotFoundError):
            if not _trusted(folder, home):
                return folder
    return None


def open_file(path: Path, flags: int = os.O_RDONLY) -> int:
    """Open a file of a journal; neither it nor its folder may be a link.

    Raises:
        FileNotFoundError: there is none, or it is a link.
    """
    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            return os.open(path.name, flags | os.O_NOFOLLOW, 0o600, dir_fd=folder)
        finally:
            os.close(folder)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise FileNotFoundError(errno.ENOENT, "is a link, which no journal holds", str(path)) from None
        raise


def _trusted(folder: Path, home: Path) -> bool:
    """Whether a journal, what it says of itself, and the folder of its run are this user's own."""
    return _own(folder) and _own(folder / _ABOUT) and (folder == home or _own(folder.parent))


def _own(path: Path) -> bool:
    """Whether this user owns it, nobody else may write to it, and it is no link."""
    told = path.lstat()
    return told.st_uid == os.geteuid() and not stat.S_ISLNK(told.st_mode) and not told.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def lock_file(path: Path) -> int | None:
    """Lock a file, creating it if necessary; None if another process holds it."""
    held = open_file(path, os.O_RDWR | os.O_CREAT)
    _held.add(held)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        unlock_file(held)
        return None
    return held


def unlock_file(held: int) -> None:
    """Unlock a file; no error in the child of a fork, which has no lock."""
    if held in _held:
        _held.discard(held)
        os.close(held)


def lock_cursor(folder: Path) -> int | None:
    """Lock the cursor of a journal, for shipping; None while another process ships it, or if it is gone."""
    if not (folder / _ABOUT).exists():
        return None
    with contextlib.suppress(FileNotFoundError):
        held = lock_file(folder / _CURSOR)
        if held is not None and not (folder / _ABOUT).exists():  # it was shipped and removed in between
            unlock_file(held)
            return None
        return held
    return None


def is_alive(folder: Path) -> bool:
    """Whether the process that writes a journal lives."""
    try:
        held = lock_file(folder / _ALIVE)
    except FileNotFoundError:
        return False
    if held is not None:
        unlock_file(held)
    return held is None


def remove(folder: Path) -> None:
    """Remove a journal that was shipped, and the folder of its run if it was the last one."""
    (folder / _ABOUT).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        folder.parent.rmdir()


def _forked() -> None:
    for held in _held:
        with contextlib.suppress(OSError):
            os.close(held)
    _held.clear()


os.register_at_fork(after_in_child=_forked)
