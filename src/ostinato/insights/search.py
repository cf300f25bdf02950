"""Search over all slices, with one ranking."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Literal

from ostinato.access import search as access
from ostinato.data import search as data
from ostinato.features import search as features
from ostinato.insights.types import Hit, Hits
from ostinato.kernel.search import SearchResult
from ostinato.monitoring import search as monitoring
from ostinato.pipelines import search as pipelines
from ostinato.registry import search as registry
from ostinato.serving import search as serving
from ostinato.storage.rows.rows import Tx
from ostinato.tracking import search as tracking

Search = Callable[[Tx, str, str, int], list[SearchResult]]
_SEARCHES: tuple[tuple[str, frozenset[str], Search], ...] = (
    ("dataset:read", frozenset({"dataset"}), data.search),
    ("feature:read", frozenset({"feature"}), features.search),
    ("run:read", frozenset({"experiment", "run"}), tracking.search),
    ("pipeline:read", frozenset({"pipeline", "execution"}), pipelines.search),
    ("model:read", frozenset({"model"}), registry.search),
    ("endpoint:read", frozenset({"endpoint", "rollout"}), serving.search),
    ("monitor:read", frozenset({"monitor", "finding"}), monitoring.search),
    ("", frozenset({"person", "service"}), lambda tx, project, typed, limit: access.search(tx, typed)[:limit]),  # noqa: ARG005
)
"""What one must be permitted to see what is found, the kinds of it, and who finds it."""
_KINDS = frozenset().union(*(kinds for _, kinds, _ in _SEARCHES))
_OCCURRENCES = frozenset({"run", "execution", "rollout", "finding"})
"""Kinds of which there are many of one name; they come after the things that are called so."""
_KIND = re.compile(r"([a-z]+):(.*)", re.DOTALL)
_RANK = {"exact": 0, "prefix": 1, "part": 2}


def search(tx: Tx, project: str, permissions: frozenset[str], text: str, limit: int) -> Hits:
    """Matching things that the permissions allow to be seen; the prefix `kind:` restricts the search to that kind."""
    kinds, typed = _KINDS, text
    if (asked := _KIND.fullmatch(text)) and asked[1] in _KINDS:
        kinds, typed = frozenset({asked[1]}), asked[2]
    found: list[SearchResult] = []
    for permission, theirs, find in _SEARCHES:
        if theirs & kinds and (not permission or permission in permissions):
            found += [thing for thing in find(tx, project, typed, limit + 1) if thing.ref.kind in kinds]
    hits = sorted((_hit(typed, thing) for thing in found), key=_order)
    return Hits(text=text, hits=hits[:limit], more=len(hits) > limit)


def _hit(typed: str, thing: SearchResult) -> Hit:
    named = str(thing.ref).partition(":")[2]
    return Hit(ref=thing.ref, title=thing.title, summary=thing.summary, at=thing.at, match=_match(typed.lower(), (thing.title, named)))


def _match(typed: str, names: tuple[str, ...]) -> Literal["exact", "prefix", "part"]:
    low = [name.lower() for name in names]
    return "exact" if typed in low else "prefix" if any(name.startswith(typed) for name in low) else "part"


def _order(hit: Hit) -> tuple[int, bool, float, str]:
    return _RANK[hit.match], hit.ref.kind in _OCCURRENCES, -_seconds(hit.at), str(hit.ref)


def _seconds(at: datetime | None) -> float:
    return at.timestamp() if at else 0.0
