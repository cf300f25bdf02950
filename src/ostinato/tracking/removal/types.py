"""The types of removal: what a purge takes and refuses, and the retention rules."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import Literal

from ostinato.kernel.frozen import frozen
from ostinato.kernel.ref import Ref


@frozen
class Refusal:
    """What was not purged, and what keeps it."""

    ref: Ref
    reason: str


@frozen
class Purge:
    """What goes for good, and is gone if `applied`: runs, candidates, points, and files with `size` bytes together.

    `freed` are the bytes of blobs that nothing in the store names any more: `ostinato collect` gives them back. `refused` are the first
    100 of the `kept` things that were asked for and stay.
    """

    applied: bool
    experiments: int = 0
    runs: int = 0
    candidates: int = 0
    points: int = 0
    files: int = 0
    size: int = 0
    freed: int = 0
    kept: int = 0
    refused: list[Refusal] = field(default_factory=list)


Act = Literal["delete", "purge"]


@frozen
class RetentionRule:
    """What is kept how long: runs that meet `where` and ended, or for a `purge` were deleted, more than `days` ago go.

    It is about the experiment with this id, or about all. Of each experiment the `keep_best` runs by `best_by` stay, such as 5 by
    `-metrics.auc`, and those that have one of the tags `keep_tagged`.
    """

    name: str
    act: Act
    days: float
    experiment: str | None
    where: list[str]
    keep_best: int
    best_by: str
    keep_tagged: list[str]
    declared_by: str
    declared_at: datetime
    applied_at: datetime | None = None


@frozen
class Retained:
    """What a rule lets go: the first 100 of the runs that it deletes or purges, and what that takes; done if `applied`."""

    rule: str
    act: Act
    runs: list[str]
    took: Purge
