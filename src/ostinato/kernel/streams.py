"""The standard streams of a process, which may have been started without them."""

from __future__ import annotations

import os
import sys


def stand_in() -> None:
    """Let the null device stand in for those that are closed; called first thing in a process of the platform.

    Else the next file to be opened would have the number of the log, and a database would get its lines.
    """
    for number, (name, mode) in enumerate([("stdin", "r"), ("stdout", "w"), ("stderr", "w")]):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest number that is free is this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115 — for the life of the process
