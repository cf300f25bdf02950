"""Roles: which permissions exist, and who gets which."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from ostinato.access.types import Role
from ostinato.kernel.errors import NotFound

_NOUNS = (
    "project", "access", "ledger", "dataset", "feature", "run", "pipeline",
    "evaluation", "model", "explanation", "endpoint", "monitor", "clock",
)  # fmt: skip
PERMISSIONS: frozenset[str] = frozenset(
    [f"{noun}:{verb}" for noun in _NOUNS for verb in ("read", "write")]
    + ["model:approve", "model:promote", "endpoint:deploy", "endpoint:invoke", "endpoint:label", "access:admin", "clock:set"]
)
"""Every permission that an operation may need."""

STORE_WIDE = frozenset({"admin"})
"""Roles that hold in all projects, wherever they are granted."""

_STORE = frozenset({"project:write", "clock:set", "clock:write"})
_READ = frozenset(f"{noun}:read" for noun in _NOUNS if noun != "access")
_COMMENT = frozenset({"ledger:write"})
_EXPERIMENT = frozenset({"run:write", "pipeline:write", "evaluation:write", "model:write", "explanation:write", "feature:write"})
_DATA = frozenset({"dataset:write", "feature:write"})
_OPERATE = frozenset({"endpoint:write", "endpoint:deploy", "endpoint:invoke", "endpoint:label", "monitor:write"})

_ROLES: dict[str, tuple[str, frozenset[str]]] = {
    "viewer": ("sees everything but who has which rights", _READ),
    "scientist": ("experiments: runs, pipelines, features, evaluations; registers models", _READ | _COMMENT | _EXPERIMENT),
    "engineer": (
        "builds and operates: what a scientist may, plus data, endpoints and monitors",
        _READ | _COMMENT | _EXPERIMENT | _DATA | _OPERATE,
    ),
    "reviewer": ("approves or rejects models; builds none", _READ | _COMMENT | {"model:approve"}),
    "steward": ("answers for data: contracts, deliveries, features, monitors", _READ | _COMMENT | _DATA | {"monitor:write"}),
    "deployer": ("brings approved models to endpoints", _READ | _COMMENT | _OPERATE | {"model:promote"}),
    "auditor": ("sees everything, rights included, and changes nothing", _READ | {"access:read"}),
    "project_admin": ("may everything within the project", PERMISSIONS - _STORE),
    "admin": ("may everything in all projects", PERMISSIONS),
}


def roles() -> list[Role]:
    """All roles, the modest first."""
    return [Role(name=name, summary=summary, permissions=sorted(granted)) for name, (summary, granted) in _ROLES.items()]


def known(role: str) -> str:
    """`role`, if it exists.

    Raises:
        NotFound: it does not; the hint proposes the nearest.
    """
    if role not in _ROLES:
        raise NotFound.named("role", role, _ROLES)
    return role


def permissions(names: Iterable[str]) -> frozenset[str]:
    """All that the roles permit together.

    >>> "model:approve" in permissions(["viewer", "reviewer"])
    True
    """
    return _union(frozenset(names))


@cache
def _union(names: frozenset[str]) -> frozenset[str]:
    return frozenset().union(*(_ROLES[name][1] for name in names))
