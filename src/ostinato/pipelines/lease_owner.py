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
    """Where process ids mean the same: this start of the machine and, in containers, this namespace of processes."""
    with contextlib.suppress(OSError):
        return f"{boot()}.{os.stat('/proc/self/ns/pid').st_ino}"
    return ""


@functools.cache
def _owner_of(pid: int) -> str:
    """Who this process is: a random name, because process ids come again, and what tells whether it lives."""
    return f"{secrets.token_hex(8)}@{host()}:{pid}:{_born(pid)}"


def owner() -> str:
    """This process, as the holder of leases."""
    return _owner_of(os.getpid())


def is_gone(holder: str) -> bool:
    """Whether the process that called itself so by `owner()` has certainly ended: never true for one of another host."""
    where, *process = holder.partition("@")[2].split(":")
    if not where or where != host() or len(process) != 2 or not all(process):
        return False
    return _born(process[0]) != process[1]


def refuse_within_import() -> None:
    """Refuse to execute anything while a process of a step imports the main program of the one that started it.

    Raises:
        Invalid: that is so: the main program does its work when it is imported.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise unguarded()


def unguarded() -> Invalid:
    """What a main program is told that cannot be imported by the processes of its steps."""
    main = os.path.basename(getattr(sys.modules.get("__main__"), "__file__", None) or "the main program")
    return Invalid(
        f"a process for a step could not import {main}",
        hint='it imports the main program: put what that does under `if __name__ == "__main__":`',
    )


def _born(pid: int | str) -> str:
    """When a living process started, in ticks of the kernel; empty for one that has ended or is only not buried."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return ""
    return "" if fields[0] in "ZX" else fields[19]
