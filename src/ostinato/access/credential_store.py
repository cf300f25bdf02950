"""Tables of credentials: tokens, passwords, sessions, one-time codes, OpenID identities. Secrets are stored as hashes only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, Row, String, Table, Text, bindparam, or_, select

from ostinato.access.store import actor_table, bump
from ostinato.access.types import Credential, LinkedIdentity, Session, Token
from ostinato.kernel.frozen import frozen
from ostinato.storage.rows.rows import Instant, Json, Tx, metadata

token_table = Table(
    "access_token",
    metadata,
    Column("id", String(10), primary_key=True),
    Column("actor", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("last_used_at", Instant),
    Column("last_used_from", Text),
    Column("revoked", Boolean, nullable=False, default=False),
    Column("permissions", Json),
    Column("projects", Json),
    Column("issued_by", Text, nullable=False),
    Column("delegated", Boolean, nullable=False, default=False),
    Column("rotated_to", String(10)),
    Index("access_token_actor", "actor"),
)

session_table = Table(
    "access_session",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("actor", Text, nullable=False),
    Column("means", String(8), nullable=False),
    Column("delegated", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("address", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Index("access_session_actor", "actor"),
)

password_table = Table(
    "access_password",
    metadata,
    Column("actor", Text, primary_key=True),
    Column("hash", Text, nullable=False),
    Column("changed_at", Instant, nullable=False),
)

code_table = Table(
    "access_code",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("actor", Text, nullable=False),
    Column("delegated", Boolean, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used", Boolean, nullable=False),
)

attempt_table = Table(
    "access_attempt",
    metadata,
    Column("account", Text, primary_key=True),
    Column("network", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("at", Instant, nullable=False),
)

identity_table = Table(
    "access_identity",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("actor", Text, nullable=False),
    Column("linked_at", Instant, nullable=False),
    Column("linked_by", Text, nullable=False),
    Index("access_identity_actor", "actor", unique=True),
)

device_table = Table(
    "access_device",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("user_code", String(9), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("asked_at", Instant),
    Column("actor", Text),
    Column("delegated", Boolean),
    Column("state", String(8), nullable=False),
)

# ---- tokens

_credential = (
    select(token_table, actor_table.c.disabled, actor_table.c.kind)
    .select_from(token_table.join(actor_table, actor_table.c.id == token_table.c.actor))
    .where(token_table.c.id == bindparam("token"))
)
_SHOWN = tuple(column for column in token_table.c if column.name != "hash")


@frozen
class TokenRecord:
    """The record of a token; `over` means that it is revoked or its actor disabled."""

    hash: bytes
    over: bool
    expires_at: datetime
    last_used_at: datetime | None
    rotated_to: str | None
    reach: Credential


def token_record(tx: Tx, token: str) -> TokenRecord | None:
    """The record and scope of a token, by one primary-key lookup."""
    row = tx.first(_credential, {"token": token})
    if row is None:
        return None
    return TokenRecord(
        hash=row.hash,
        over=row.revoked or row.disabled,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        rotated_to=row.rotated_to,
        reach=_reach(row),
    )


def token(tx: Tx, name: str) -> Token | None:
    """The token with the id `name`."""
    row = tx.first(select(*_SHOWN).where(token_table.c.id == name))
    return None if row is None else Token(**row._mapping)


def tokens(tx: Tx, actor: str | None) -> list[Token]:
    """The tokens of an actor, or of all, newest first."""
    query = select(*_SHOWN).order_by(token_table.c.created_at.desc(), token_table.c.id)
    return [Token(**row._mapping) for row in tx.all(query if actor is None else query.where(token_table.c.actor == actor))]


def add_token(tx: Tx, new: Token, hashed: bytes) -> None:
    """Insert a token, with the hash of its secret."""
    row = {column.name: getattr(new, column.name) for column in _SHOWN}
    tx.execute(token_table.insert(), row | {"hash": hashed})


def revoke(tx: Tx, name: str) -> None:
    """Make a token useless for good."""
    bump(tx)
    tx.execute(token_table.update().where(token_table.c.id == name).values(revoked=True))


def rotate(tx: Tx, name: str, successor: str, until: datetime) -> None:
    """Let a rotated token expire at `until` at the latest."""
    bump(tx)
    tx.execute(token_table.update().where(token_table.c.id == name).values(rotated_to=successor, expires_at=until))


def forget_tokens(tx: Tx, actor: str, name: str, before: datetime) -> None:
    """Delete the tokens of that name of an actor that expired before then."""
    table = token_table.c
    tx.execute(token_table.delete().where(table.actor == actor, table.name == name, table.expires_at < before))


def touch(tx: Tx, name: str, at: datetime, since: datetime, address: str) -> None:
    """Record when and from where a token was last used, unless that was recorded after `since`."""
    table = token_table.c
    stale = or_(table.last_used_at.is_(None), table.last_used_at < since)
    tx.execute(token_table.update().where(table.id == name, stale).values(last_used_at=at, last_used_from=address or None))


# ---- sessions

_LISTED = tuple(column for column in session_table.c if column.name != "hash")
_session = (
    select(*_LISTED)
    .select_from(session_table.join(actor_table, actor_table.c.id == session_table.c.actor))
    .where(session_table.c.hash == bindparam("hash"), actor_table.c.disabled.is_(False))
)


def session(tx: Tx, hashed: bytes) -> Session | None:
    """The session of an enabled actor, by the hash of its secret."""
    row = tx.first(_session, {"hash": hashed})
    return None if row is None else Session(**row._mapping)


def sessions(tx: Tx, actor: str | None = None) -> list[Session]:
    """The sessions of an actor, or of all, the newest first."""
    query = select(*_LISTED).order_by(session_table.c.created_at.desc(), session_table.c.id)
    return [Session(**row._mapping) for row in tx.all(query if actor is None else query.where(session_table.c.actor == actor))]


def add_session(tx: Tx, new: Session, hashed: bytes) -> None:
    """Insert a session, with the hash of its secret; expired ones are deleted."""
    tx.execute(session_table.delete().where(session_table.c.expires_at <= new.created_at))
    tx.execute(session_table.insert(), {column.name: getattr(new, column.name) for column in _LISTED} | {"hash": hashed})


def session_by_id(tx: Tx, name: str) -> Session | None:
    """The session with this public id."""
    row = tx.first(select(*_LISTED).where(session_table.c.id == name))
    return None if row is None else Session(**row._mapping)


def end_session(tx: Tx, name: str) -> bool:
    """End a session; False if there was none."""
    return tx.execute(session_table.delete().where(session_table.c.id == name)).rowcount > 0


def end_sessions(tx: Tx, actor: str, but: str = "") -> int:
    """End the sessions of an actor, but for one."""
    return tx.execute(session_table.delete().where(session_table.c.actor == actor, session_table.c.id != but)).rowcount


def touch_session(tx: Tx, name: str, at: datetime) -> None:
    """Remember when a session was last seen."""
    tx.execute(session_table.update().where(session_table.c.id == name).values(seen_at=at))


def limits(tx: Tx, name: str) -> Credential | None:
    """The scope of the token or session with this public id."""
    if row := tx.first(select(token_table).where(token_table.c.id == name)):
        return _reach(row)
    found = session_by_id(tx, name)
    return None if found is None else Credential(id=found.id, actor=found.actor, delegated=found.delegated)


def _reach(row: Row[Any]) -> Credential:
    """The scope of the token in this row."""
    permissions, projects = (None if found is None else tuple(found) for found in (row.permissions, row.projects))
    return Credential(id=row.id, actor=row.actor, permissions=permissions, projects=projects, delegated=row.delegated)


# ---- passwords, and the patience with those who guess them


def password(tx: Tx, actor: str) -> str | None:
    """The hash of an actor's password."""
    row = tx.first(select(password_table.c.hash).where(password_table.c.actor == actor))
    return None if row is None else str(row.hash)


def drop_password(tx: Tx, actor: str) -> None:
    """Delete an actor's password."""
    tx.execute(password_table.delete().where(password_table.c.actor == actor))


def put_password(tx: Tx, actor: str, hashed: str, at: datetime) -> None:
    """Set the hash of an actor's password."""
    drop_password(tx, actor)
    tx.execute(password_table.insert(), {"actor": actor, "hash": hashed, "changed_at": at})


def failed_attempts(tx: Tx, account: str, network: str) -> tuple[int, datetime] | None:
    """The number of failed attempts on an account from a network, and the time of the last."""
    table = attempt_table.c
    row = tx.first(select(table.failures, table.at).where(table.account == account, table.network == network))
    return None if row is None else (row.failures, row.at)


def set_failed_attempts(tx: Tx, account: str, network: str, failures: int, at: datetime, forget: datetime) -> None:
    """Set that number; attempts before `forget` are deleted."""
    table = attempt_table.c
    tx.execute(attempt_table.delete().where(or_(table.at < forget, (table.account == account) & (table.network == network))))
    if failures:
        tx.execute(attempt_table.insert(), {"account": account, "network": network, "failures": failures, "at": at})


# ---- one-time codes


def add_code(tx: Tx, hashed: bytes, actor: str, delegated: bool, expires_at: datetime, now: datetime) -> None:
    """Insert a code by its hash; expired ones are deleted."""
    tx.execute(code_table.delete().where(code_table.c.expires_at <= now))
    tx.execute(code_table.insert(), {"hash": hashed, "actor": actor, "delegated": delegated, "expires_at": expires_at, "used": False})


def use_code(tx: Tx, hashed: bytes, now: datetime) -> Row[Any] | None:
    """The owner of a code that is valid, which is used up by this."""
    mine = (code_table.c.hash == hashed, code_table.c.used.is_(False), code_table.c.expires_at > now)
    if not tx.execute(code_table.update().where(*mine).values(used=True)).rowcount:
        return None
    return tx.first(select(code_table.c.actor, code_table.c.delegated).where(code_table.c.hash == hashed))


def never_signed_in(tx: Tx) -> bool:
    """Whether nobody has ever had a code, a password, a linked identity or a session."""
    return not any(tx.first(select(table.c.actor).limit(1)) for table in (code_table, password_table, identity_table, session_table))


# ---- identities elsewhere


def identity(tx: Tx, issuer: str, subject: str) -> str | None:
    """The actor who is `subject` at `issuer`."""
    table = identity_table.c
    row = tx.first(select(table.actor).where(table.issuer == issuer, table.subject == subject))
    return None if row is None else str(row.actor)


def identities(tx: Tx, actor: str | None = None) -> dict[str, LinkedIdentity]:
    """The identities of actors at OpenID providers, or of one actor; at most one each."""
    query = select(identity_table) if actor is None else select(identity_table).where(identity_table.c.actor == actor)
    return {
        row.actor: LinkedIdentity(issuer=row.issuer, subject=row.subject, linked_at=row.linked_at, linked_by=row.linked_by)
        for row in tx.all(query)
    }


def add_identity(tx: Tx, actor: str, linked: LinkedIdentity) -> None:
    """Insert the identity of an actor at an OpenID provider."""
    row = {"issuer": linked.issuer, "subject": linked.subject, "linked_at": linked.linked_at, "linked_by": linked.linked_by}
    tx.execute(identity_table.insert(), row | {"actor": actor})


def drop_identity(tx: Tx, actor: str) -> None:
    """Delete the identity of an actor at an OpenID provider."""
    tx.execute(identity_table.delete().where(identity_table.c.actor == actor))


# ---- devices


def add_device(tx: Tx, row: Mapping[str, Any], now: datetime) -> None:
    """Insert a device authorization; expired ones are deleted."""
    tx.execute(device_table.delete().where(device_table.c.expires_at <= now))
    tx.execute(device_table.insert(), row)


def devices(tx: Tx, now: datetime) -> int:
    """The number of open device authorizations."""
    return len(tx.all(select(device_table.c.user_code).where(device_table.c.expires_at > now)))


def device(tx: Tx, *, user_code: str = "", hashed: bytes = b"") -> Row[Any] | None:
    """A device authorization, by either of its codes."""
    table = device_table.c
    return tx.first(select(device_table).where(table.hash == hashed if hashed else table.user_code == user_code))


def set_device(tx: Tx, hashed: bytes, **values: Any) -> None:
    """Change a device authorization."""
    tx.execute(device_table.update().where(device_table.c.hash == hashed).values(**values))
