"""Tables of trusted token issuers, and of the tokens of theirs that were exchanged."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, Text, select

from ostinato.access.types import Trust
from ostinato.storage.rows.rows import Instant, Json, Tx, metadata

trust_table = Table(
    "access_trust",
    metadata,
    Column("project", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("service", Text, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("audience", Text, nullable=False),
    Column("claims", Json, nullable=False),
    Column("permissions", Json),
    Column("minutes", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Text, nullable=False),
    Index("access_trust_issuer", "issuer"),
)

exchanged_table = Table(
    "access_exchanged",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("expires_at", Instant, nullable=False),
)


def trust(tx: Tx, project: str, name: str) -> Trust | None:
    """The trust of that name."""
    row = tx.first(select(trust_table).where(trust_table.c.project == project, trust_table.c.name == name))
    return None if row is None else Trust(**row._mapping)


def trusts(tx: Tx, *, project: str | None = None, issuer: str | None = None) -> list[Trust]:
    """The trusts of a project, or those in an issuer, by name."""
    query = select(trust_table).order_by(trust_table.c.project, trust_table.c.name)
    query = query if project is None else query.where(trust_table.c.project == project)
    query = query if issuer is None else query.where(trust_table.c.issuer == issuer)
    return [Trust(**row._mapping) for row in tx.all(query)]


def put(tx: Tx, new: Trust) -> None:
    """Insert or replace a trust."""
    drop(tx, new.project, new.name)
    tx.execute(trust_table.insert(), {column.name: getattr(new, column.name) for column in trust_table.c})


def drop(tx: Tx, project: str, name: str) -> None:
    """Delete a trust."""
    tx.execute(trust_table.delete().where(trust_table.c.project == project, trust_table.c.name == name))


def mark_exchanged(tx: Tx, hashed: bytes, expires_at: datetime, now: datetime) -> bool:
    """Mark a token as exchanged until it expires; False if it was already."""
    tx.execute(exchanged_table.delete().where(exchanged_table.c.expires_at <= now))
    return tx.insert_missing(exchanged_table, {"hash": hashed, "expires_at": expires_at})
