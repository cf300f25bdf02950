"""What flows through access: projects, actors, their roles, and tokens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Kind = Literal["person", "service"]
ALL_PROJECTS = "*"
"""What a binding names instead of a project if it holds in all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """The boundary of access: everything lives in one."""

    name: str
    description: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts: `id` is `person:ana` or `service:trainer`. A disabled actor may nothing, and no token of its works."""

    id: str
    kind: Kind
    disabled: bool
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """`actor` has `role` in `project`; the project `*` stands for all of them."""

    actor: str
    role: str
    project: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A named set of permissions `noun:verb`."""

    name: str
    summary: str
    permissions: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A credential as listings show it. `id` is the public part; `last_used_at` is exact to ten minutes."""

    id: str
    actor: str
    name: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None = None
    revoked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedToken:
    """A new credential; `secret` is shown this once and kept nowhere."""

    token: Token
    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Whoami:
    """The caller: its roles in the present project, and all that they permit."""

    actor: str
    project: str
    roles: list[str]
    permissions: list[str]
