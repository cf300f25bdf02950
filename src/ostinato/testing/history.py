"""Linearizability: whether the operations that several clients saw are possible in some order.

The search of Wing and Gong, "Testing and verifying concurrent objects", JPDC 17 (1993), with the memory of Lowe, "Testing for
linearizability", CCPE 29 (2017): the histories of single things are short, so a small search is enough.
"""

from __future__ import annotations

import json
import os
import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ostinato.kernel.frozen import frozen

FOR_EVER = float("inf")

Apply = Callable[[Any, "Act"], tuple[bool, Hashable]]
"""What a state becomes by an act, and whether the act could have seen there what it saw."""


@frozen
class Act:
    """What one client did to one thing: with `given` it saw `seen`, between two instants of the machine's monotonic clock, in seconds.

    One that never came back may have happened at any time since, or not at all: it ended at infinity.
    """

    thing: str
    verb: str
    given: Any = None
    seen: Any = None
    began_s: float
    ended_s: float = FOR_EVER


class Witness:
    """Writes down what a client does, for a process that may die: a line before each act and one after."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def saw(self, thing: str, verb: str, given: Any, act: Callable[[], Any]) -> Any:
        """Do it; what it gave."""
        begun = Act(thing=thing, verb=verb, given=given, began_s=time.monotonic())
        self._put(begun)
        seen = act()
        self._put(Act(thing=thing, verb=verb, given=given, seen=seen, began_s=begun.began_s, ended_s=time.monotonic()))
        return seen

    def _put(self, act: Act) -> None:
        os.write(self._file, json.dumps(asdict(act)).encode() + b"\n")


def told(paths: Iterable[Path]) -> dict[str, list[Act]]:
    """What witnesses wrote, by thing."""
    found: dict[str, list[Act]] = defaultdict(list)
    for path in paths:
        open_: dict[str, Act] = {}
        for line in path.read_text().splitlines():
            act = Act(**json.loads(line))
            if act.ended_s == FOR_EVER:
                open_[act.thing] = act
            else:
                open_.pop(act.thing, None)
                found[act.thing].append(act)
        for act in open_.values():
            found[act.thing].append(act)
    return dict(found)


def linearizable(acts: Sequence[Act], start: Hashable, apply: Apply) -> bool:
    """Whether the acts on one thing, which was `start`, have an order that agrees with their times and explains what was seen.

    >>> def register(state, act):
    ...     return (True, act.given) if act.verb == "write" else (state == act.seen, state)
    >>> write = Act(thing="x", verb="write", given=1, began_s=0, ended_s=2)
    >>> early, late = (Act(thing="x", verb="read", seen=seen, began_s=at, ended_s=at + 0.5) for seen, at in ((1, 0.5), (0, 1.2)))
    >>> linearizable([write, early], 0, register), linearizable([write, late], 0, register), linearizable([write, early, late], 0, register)
    (True, True, False)
    """
    order = sorted(acts, key=lambda act: act.began_s)
    certain = sum(1 << number for number, act in enumerate(order) if act.ended_s < FOR_EVER)
    stack, known = [(0, start)], {(0, start)}
    while stack:
        done, state = stack.pop()
        if done & certain == certain:
            return True
        for number in _next(order, done):
            possible, after = apply(state, order[number])
            reached = (done | 1 << number, after)
            if possible and reached not in known:
                known.add(reached)
                stack.append(reached)
    return False


def _next(order: Sequence[Act], done: int) -> list[int]:
    """The acts that may come next: those that began before any other that is left had ended."""
    found, first_end = [], FOR_EVER
    for number in range(_trailing(done), len(order)):
        if done >> number & 1:
            continue
        if order[number].began_s > first_end:
            break
        found.append(number)
        first_end = min(first_end, order[number].ended_s)
    return [number for number in found if order[number].began_s <= first_end]


def _trailing(done: int) -> int:
    """How many acts from the first on are done."""
    return (~done & done + 1).bit_length() - 1


def register(state: Hashable, act: Act) -> tuple[bool, Hashable]:
    """A thing that is what was last written."""
    return (True, act.given) if act.verb == "write" else (state == act.seen, state)
