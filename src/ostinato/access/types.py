"""The types of access: projects, actors, roles and credentials."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from ostinato.kernel.frozen import frozen

Kind = Literal["person", "service"]
Means = Literal["password", "code", "oidc"]
ALL_PROJECTS = "*"
"""What a binding or a custom role names instead of a project if it holds in all of them."""


@frozen
class Project:
    """The boundary of access: everything lives in one."""

    name: str
    description: str
    created_at: datetime


@frozen
class LinkedIdentity:
    """Who a person is at their OpenID provider: `subject` at `issuer`. `linked_by` is empty where that sign-in made the person."""

    issuer: str
    subject: str
    linked_at: datetime
    linked_by: str = ""


@frozen
class Actor:
    """An actor: `id` is `person:ana` or `service:trainer`. A disabled actor has no permissions, and its tokens do not work."""

    id: str
    kind: Kind
    disabled: bool
    created_at: datetime
    identity: LinkedIdentity | None = None


@frozen
class Binding:
    """`actor` has `role` in `project`; the project `*` stands for all of them. `source` is `hand`, or `oidc` if a group brought it."""

    actor: str
    role: str
    project: str
    source: str = "hand"


@frozen
class Role:
    """A named set of permissions `noun:verb`; of a custom role they are patterns such as `run:*`.

    `project` is where a custom role may be granted, `*` everywhere; it is empty for the roles that every store has.
    """

    name: str
    summary: str
    permissions: list[str]
    project: str = ""


@frozen
class Token:
    """A credential as listings show it. `id` is the public part; `last_used_at` is exact to ten minutes.

    It may what `permissions` (patterns) and `projects` name *and* its actor may at the time of use; None sets no limit of its own.
    One that was `issued_by` another person than its actor approves nothing. `rotated_to` is its successor.
    """

    id: str
    actor: str
    name: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None = None
    last_used_from: str | None = None
    revoked: bool = False
    permissions: list[str] | None = None
    projects: list[str] | None = None
    issued_by: str = ""
    delegated: bool = False
    rotated_to: str | None = None


@frozen
class IssuedToken:
    """A new credential; `secret` is shown this once and kept nowhere."""

    token: Token
    secret: str


@frozen
class IssuedCode:
    """A one-time code with which `actor` signs in; `path` is the page of the server that takes it."""

    actor: str
    code: str
    path: str
    expires_at: datetime


@frozen
class Session:
    """A browser that is signed in; `seen_at` is exact to ten minutes, `expires_at` its end whatever happens."""

    id: str
    actor: str
    means: Means
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    address: str
    agent: str
    delegated: bool = False
    current: bool = False


@frozen
class OpenedSession:
    """A new session; `secret` goes into the cookie and is kept nowhere."""

    session: Session
    secret: str


@frozen
class DeviceGrant:
    """What a device shows its user: open `verification_uri`, confirm `user_code`. It asks with `device_code` every `interval` s."""

    device_code: str
    user_code: str
    verification_uri: str
    expires_in: int
    interval: int


@frozen
class DeviceRequest:
    """What a person is asked to confirm: a program called `name`, at `address`, wants a token of theirs."""

    user_code: str
    name: str
    address: str
    expires_at: datetime


@frozen
class DeviceAnswer:
    """The state of a device authorization; `issued` comes with `granted`, once."""

    state: Literal["pending", "slow_down", "granted", "refused", "expired"]
    issued: IssuedToken | None = None


@frozen
class Trust:
    """What `issuer` signs for `audience` alone, and what says `claims` word for word, is exchanged for a token of `service`.

    The token is good for `minutes` in `project`, for what the service may and no more than `permissions` (patterns; None: all of it).
    """

    name: str
    project: str
    service: str
    issuer: str
    audience: str
    claims: dict[str, str]
    permissions: list[str] | None
    minutes: int
    created_at: datetime
    created_by: str


@frozen
class Whoami:
    """The caller: its roles in the present project, and all that they and its credential permit.

    `identity` is who it is elsewhere, and `has_password` whether it can sign in with one.
    """

    actor: str
    project: str
    roles: list[str]
    permissions: list[str]
    identity: LinkedIdentity | None = None
    has_password: bool = False


@frozen
class Credential:
    """A presented credential, a token or a session, with its scope. It never leaves the server."""

    id: str
    actor: str
    permissions: tuple[str, ...] | None = None
    projects: tuple[str, ...] | None = None
    delegated: bool = False


@frozen
class Admission:
    """Somebody who was let in: by which credential, and with which permissions in the project that they named."""

    credential: Credential
    permissions: frozenset[str]
