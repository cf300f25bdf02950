"""Place: where journals lie, and who may write or ship one.

A place holds a folder per run, and in it one per process that logs to the run: `about.json`, segments, copies of files, the cursor.
Two locks of the system, which end with the process that holds them: `alive` is held by the writer, `cursor` by whoever ships.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

_ABOUT = "about.json"
_ALIVE = "alive"
_CURSOR = "cursor"
REFUSED = "refused.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """Whose journal it is: the run, the store it is meant for (a server's `url`, or the folder `data`), the project, the writer.

    A `child` of a fork does not ship its journal: its parent does.
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
    """Make the folder of a journal, for its owner only; returns the descriptor that says that the writer lives."""
    new = folder.with_name(f".{folder.name}")
    folder.parent.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.parent.mkdir(exist_ok=True, mode=0o700)
    new.mkdir(mode=0o700)
    try:
        alive = hold(new / _ALIVE)
        with open(os.open(new / _ABOUT, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            json.dump(asdict(about), file)
        new.rename(folder)  # nobody sees a journal without its lock
    except OSError:
        shutil.rmtree(new, ignore_errors=True)
        raise
    assert alive is not None
    return alive


def about(folder: Path) -> About:
    """Whose journal it is."""
    return About(**json.loads((folder / _ABOUT).read_text()))


def known(home: Path) -> Iterator[tuple[Path, About]]:
    """All journals beneath a folder, and whose they are; one that is removed meanwhile is passed over."""
    for folder in journals(home):
        with contextlib.suppress(OSError, ValueError, TypeError):
            yield folder, about(folder)


def hold(path: Path) -> int | None:
    """Lock a file, making it if need be; None if another process holds it."""
    held = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(held)
        return None
    return held


def hold_cursor(folder: Path) -> int | None:
    """The right to ship a journal; None while another process ships it, or if it is gone."""
    if not (folder / _ABOUT).exists():
        return None
    with contextlib.suppress(FileNotFoundError):
        held = hold(folder / _CURSOR)
        if held is not None and not (folder / _ABOUT).exists():  # it was shipped and removed in between
            os.close(held)
            return None
        return held
    return None


def is_alive(folder: Path) -> bool:
    """Whether the process that writes a journal lives."""
    try:
        held = hold(folder / _ALIVE)
    except FileNotFoundError:
        return False
    if held is not None:
        os.close(held)
    return held is None


def remove(folder: Path) -> None:
    """Remove a journal that was shipped, and the folder of its run if it was the last one."""
    (folder / _ABOUT).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        folder.parent.rmdir()
