"""Permissions, and the built-in roles that grant them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import cache, lru_cache

from ostinato.access.types import Role
from ostinato.kernel.errors import Invalid

_NOUNS = (
    "project", "access", "ledger", "dataset", "feature", "run", "trace", "pipeline",
    "evaluation", "model", "explanation", "endpoint", "monitor", "clock",
)  # fmt: skip
PERMISSIONS: frozenset[str] = frozenset(
    [f"{noun}:{verb}" for noun in _NOUNS for verb in ("read", "write")]
    + ["trace:assess", "model:approve", "model:promote", "model:break-glass", "endpoint:deploy", "endpoint:invoke", "endpoint:label"]
    + ["ledger:erase", "ledger:hold", "run:purge", "run:import", "trace:purge", "model:purge", "model:import", "access:admin", "clock:set"]
    + ["store:examine"]
)
"""Every permission that an operation may need."""

STORE_WIDE = frozenset({"admin"})
"""Roles that hold in all projects, wherever they are granted."""

_STORE = frozenset({"project:write", "clock:set", "clock:write", "store:examine"})
_READ = frozenset(f"{noun}:read" for noun in _NOUNS if noun != "access")
_COMMENT = frozenset({"ledger:write"})
_ASSESS = frozenset({"trace:assess"})
_EXPERIMENT = _ASSESS | {
    "run:write", "trace:write", "pipeline:write", "evaluation:write", "model:write", "explanation:write", "feature:write",
}  # fmt: skip
_DATA = frozenset({"dataset:write", "feature:write"})
_OPERATE = frozenset({"endpoint:write", "endpoint:deploy", "endpoint:invoke", "endpoint:label", "monitor:write"})

_ROLES: dict[str, tuple[str, frozenset[str]]] = {
    "viewer": ("sees everything but who has which rights", _READ),
    "scientist": ("experiments: runs, pipelines, features, evaluations; registers models", _READ | _COMMENT | _EXPERIMENT),
    "engineer": (
        "builds and operates: what a scientist may, plus data, endpoints and monitors",
        _READ | _COMMENT | _EXPERIMENT | _DATA | _OPERATE,
    ),
    "reviewer": ("approves or rejects models; builds none", _READ | _COMMENT | _ASSESS | {"model:approve"}),
    "steward": (
        "answers for data: contracts, deliveries, features, monitors, erasure of personal values, what is kept how long",
        _READ | _COMMENT | _ASSESS | _DATA | {"monitor:write", "ledger:erase", "ledger:hold", "run:purge", "trace:purge", "model:purge"},
    ),
    "deployer": ("brings approved models to endpoints", _READ | _COMMENT | _OPERATE | {"model:promote"}),
    "auditor": ("sees everything, rights included, and changes nothing; may forbid that it goes", _READ | {"access:read", "ledger:hold"}),
    "project_admin": ("may everything within the project", PERMISSIONS - _STORE),
    "admin": ("may everything in all projects", PERMISSIONS),
}


REVIEW = frozenset({"model:approve", "model:break-glass"})
"""What nobody may do by a credential that another made for them: a second pair of eyes is not lent."""


def roles() -> list[Role]:
    """The roles that every store has, the modest first."""
    return [Role(name=name, summary=summary, permissions=sorted(granted)) for name, (summary, granted) in _ROLES.items()]


def built_in(role: str) -> bool:
    """Whether every store has this role."""
    return role in _ROLES


def permissions(names: Iterable[str]) -> frozenset[str]:
    """All that roles of every store permit together.

    >>> "model:approve" in permissions(["viewer", "reviewer"])
    True
    """
    return _union(frozenset(names))


@cache
def _union(names: frozenset[str]) -> frozenset[str]:
    return frozenset().union(*(_ROLES[name][1] for name in names))


def expand(patterns: Iterable[str]) -> frozenset[str]:
    """The permissions that patterns stand for.

    >>> sorted(expand(["clock:*", "model:read"]))
    ['clock:read', 'clock:set', 'clock:write', 'model:read']
    """
    return _expand(tuple(patterns))


@lru_cache(4096)
def _expand(patterns: tuple[str, ...]) -> frozenset[str]:
    return frozenset(p for p in PERMISSIONS for pattern in patterns if _matches(pattern, p))


def checked_patterns(patterns: Iterable[str]) -> list[str]:
    """The patterns, sorted, each once.

    Raises:
        Invalid: one stands for no permission; the hint proposes the nearest.
    """
    found = sorted(set(patterns))
    for pattern in found:
        if not expand([pattern]):
            near = ", ".join(difflib.get_close_matches(pattern, PERMISSIONS, n=3)) or "run:*, *:read, model:approve"
            raise Invalid(f"no permission is like {pattern[:100]!r}", hint=f"write noun:verb, either may be *: {near}", field="permissions")
    return found


def _matches(pattern: str, permission: str) -> bool:
    return (
        all(asked in ("*", held) for asked, held in zip(pattern.split(":"), permission.split(":"), strict=False))
        and pattern.count(":") == 1
    )
