"""The identity of a process as the owner of leases, and whether such a process still lives."""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
import os
import secrets
import sys
from pathlib import Path

from ostinato.kernel.errors import Invalid
from ostinato.storage.rows.lease import boot


@functools.cache
def host() -> str:
    """The scope of process ids: this boot of the machine and, in containers, this PID namespace."""
    with contextlib.suppress(OSError):
        return f"{boot()}.{os.stat('/proc/self/ns/pid').st_ino}"
    return ""


@functools.cache
def _owner_of(pid: int) -> str:
    """The owner id of a process: a random name, because pids are reused, and what tells whether it is alive."""
    return f"{secrets.token_hex(8)}@{host()}:{pid}:{_start_time(pid)}"


def owner() -> str:
    """The owner id of this process."""
    return _owner_of(os.getpid())


def is_gone(holder: str) -> bool:
    """Whether the process with this owner id has certainly ended; never true for one of another host."""
    where, *process = holder.partition("@")[2].split(":")
    if not where or where != host() or len(process) != 2 or not all(process):
        return False
    return _start_time(process[0]) != process[1]


def refuse_within_import() -> None:
    """Refuse to execute anything while a process of a step imports the main program of the one that started it.

    Raises:
        Invalid: that is so: the main program does its work when it is imported.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise unguarded()


def unguarded() -> Invalid:
    """The error for a main program that the processes of its steps cannot import."""
    main = os.path.basename(getattr(sys.modules.get("__main__"), "__file__", None) or "the main program")
    return Invalid(
        f"a process for a step could not import {main}",
        hint='it imports the main program: put what that does under `if __name__ == "__main__":`',
    )


def _start_time(pid: int | str) -> str:
    """The start time of a live process in kernel ticks; empty for one that has ended or is a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return ""
    return "" if fields[0] in "ZX" else fields[19]
