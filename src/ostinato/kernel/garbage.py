"""Garbage of a process: what it loads at its start is none, and is not searched for some."""

from __future__ import annotations

import atexit
import gc
import sys

_OBJECTS = 20_000


def spare() -> None:
    """Search for cycles after 20,000 new objects in place of 700, and not when the process ends; called first thing in it.

    A third of what it costs to start and to end a process was such searches among modules, tables and routes.
    """
    gc.set_threshold(_OBJECTS)
    atexit.register(_leave)


def _leave() -> None:
    if "duckdb" not in sys.modules:  # its binding counts what is left behind, and reports each of them as leaked
        gc.freeze()


def settled() -> None:
    """What is there now stays: later searches leave it out."""
    gc.freeze()
