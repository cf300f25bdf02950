"""Tables of subscribers: cursors, subscriptions, and events that could not be delivered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, Row, Table, Text, bindparam, func, select

from ostinato.storage.rows.prepared import Prepared
from ostinato.storage.rows.rows import Instant, Json, Tx, metadata

cursor_table = Table("ledger_cursor", metadata, Column("name", Text, primary_key=True), Column("seq", BigInteger, nullable=False))

subscription_table = Table(
    "ledger_subscription",
    metadata,
    Column("project", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("sink", Text, nullable=False),
    Column("parameters", Json, nullable=False),
    Column("verbs", Json, nullable=False),
    Column("paused", Boolean, nullable=False, default=False),
    Column("delivered_at", Instant),
    Column("failures", Integer, nullable=False, default=0),
    Column("retry_at", Float, nullable=False, default=0.0),
    Column("error", Text, nullable=False, default=""),
    Column("owner", Text, nullable=False, default=""),
    Column("lease_until", Float, nullable=False, default=0.0),
    Column("amid", BigInteger, nullable=False, default=-1),
    Column("message", Integer, nullable=False, default=0),
)
"""`amid` is the event that was taken in part only, -1 if none is, and `message` the message of it with which to go on."""

parked_table = Table(
    "ledger_parked",
    metadata,
    Column("project", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("error", Text, nullable=False),
    Column("again", Boolean, nullable=False),
    Index("ledger_parked_again", "again"),
)

_subscription, _parked = subscription_table.c, parked_table.c

# ---- cursors

_cursor = Prepared(select(cursor_table.c.seq).where(cursor_table.c.name == bindparam("name")))
_forward = Prepared(
    cursor_table.update()
    .where(cursor_table.c.name == bindparam("at_name"), cursor_table.c.seq < bindparam("to"))
    .values(seq=bindparam("to"))
)


def cursor(tx: Tx, name: str) -> int:
    """The position up to which the cursor was advanced; -1 at first."""
    found = tx.fetch(_cursor, {"name": name})
    return int(found[0][0]) if found else -1


def advance(tx: Tx, name: str, seq: int) -> None:
    """Move the cursor forward to `seq`; it never goes back by this."""
    if not tx.insert_missing(cursor_table, {"name": name, "seq": seq}):
        tx.run(_forward, {"at_name": name, "to": seq})


def cursor_of(project: str, name: str) -> str:
    """The name of the cursor of a subscription."""
    return f"sink/{project}/{name}"


# ---- subscriptions


def subscriptions(tx: Tx, project: str | None, name: str | None = None) -> Sequence[Row[Any]]:
    """The subscriptions of a project (None: of all), each with how many events are parked."""
    waiting = select(func.count()).where(_parked.project == _subscription.project, _parked.name == _subscription.name).scalar_subquery()
    query = select(subscription_table, waiting.label("parked")).order_by(_subscription.project, _subscription.name)
    query = query if project is None else query.where(_subscription.project == project)
    return tx.all(query if name is None else query.where(_subscription.name == name))


def subscribe(tx: Tx, row: Mapping[str, Any], after: int) -> None:
    """Insert a subscription to the events after the position `after`."""
    tx.execute(subscription_table.insert(), row)
    advance(tx, cursor_of(row["project"], row["name"]), after)


def alter(tx: Tx, project: str, name: str, parameters: Mapping[str, Any], verbs: Sequence[str]) -> None:
    """Change the parameters and verbs of a subscription; its cursor stays."""
    one = subscription_table.update().where(_subscription.project == project, _subscription.name == name)
    tx.execute(one.values(parameters=dict(parameters), verbs=list(verbs)))


def unsubscribe(tx: Tx, project: str, name: str) -> None:
    """Delete a subscription, its cursor and what it has parked."""
    tx.execute(subscription_table.delete().where(_subscription.project == project, _subscription.name == name))
    tx.execute(cursor_table.delete().where(cursor_table.c.name == cursor_of(project, name)))
    tx.execute(parked_table.delete().where(_parked.project == project, _parked.name == name))


def rewind(tx: Tx, project: str, name: str, after: int) -> None:
    """Reset a subscription to the position `after`."""
    _begin_again(tx, project, name)
    tx.execute(cursor_table.update().where(cursor_table.c.name == cursor_of(project, name)).values(seq=after))
    tx.execute(parked_table.delete().where(_parked.project == project, _parked.name == name, _parked.seq > after))


def _begin_again(tx: Tx, project: str, name: str) -> None:
    """Have also the event of which some was taken sent as a whole."""
    tx.execute(subscription_table.update().where(_subscription.project == project, _subscription.name == name).values(amid=-1, message=0))


def claim(tx: Tx, project: str, name: str, owner: str, now_s: float, until_s: float) -> Row[Any] | None:
    """Lease a subscription to `owner`; None if another process holds it, or it is paused."""
    mine = subscription_table.update().where(
        _subscription.project == project, _subscription.name == name, _subscription.lease_until < now_s, _subscription.retry_at <= now_s
    )
    claimed = tx.execute(mine.where(~_subscription.paused).values(owner=owner, lease_until=until_s)).rowcount > 0
    return subscriptions(tx, project, name)[0] if claimed else None


def pause(tx: Tx, project: str, name: str, *, paused: bool) -> bool:
    """Pause or resume a subscription; False if it was so already."""
    turned = subscription_table.update().where(_subscription.project == project, _subscription.name == name)
    return tx.execute(turned.where(_subscription.paused != paused).values(paused=paused)).rowcount > 0


def release(tx: Tx, project: str, name: str, owner: str, told: Mapping[str, Any]) -> bool:
    """Record the result of the latest delivery and release the lease; False if the lease was lost."""
    mine = subscription_table.update().where(_subscription.project == project, _subscription.name == name, _subscription.owner == owner)
    return tx.execute(mine.values(owner="", lease_until=0.0, **told)).rowcount > 0


# ---- parked events


def parked(tx: Tx, project: str, name: str, again: bool | None = None) -> Sequence[Row[Any]]:
    """The parked events of a subscription, oldest first; with `again`, only those to be retried."""
    query = select(parked_table).where(_parked.project == project, _parked.name == name).order_by(_parked.seq)
    return tx.all(query if again is None else query.where(_parked.again == again))


def park(tx: Tx, row: Mapping[str, Any]) -> None:
    """Park an event, or record that it failed again."""
    unpark(tx, row["project"], row["name"], row["seq"])
    tx.execute(parked_table.insert(), dict(row) | {"again": False})


def send_again(tx: Tx, project: str, name: str, seqs: Sequence[int], at: datetime) -> None:
    """Set events aside that a subscription is to be sent once more."""
    _begin_again(tx, project, name)
    for seq in seqs:
        unpark(tx, project, name, seq)
        row = {"project": project, "name": name, "seq": seq, "at": at, "error": "waits to be sent again", "again": True}
        tx.execute(parked_table.insert(), row)


def unpark(tx: Tx, project: str, name: str, seq: int) -> None:
    """Delete a parked event."""
    tx.execute(parked_table.delete().where(_parked.project == project, _parked.name == name, _parked.seq == seq))


def try_again(tx: Tx, project: str, name: str) -> int:
    """End the backoff of a subscription and mark its parked events for retry; returns how many those are."""
    mine = subscription_table.update().where(_subscription.project == project, _subscription.name == name)
    tx.execute(mine.values(retry_at=0.0))
    again = parked_table.update().where(_parked.project == project, _parked.name == name)
    return tx.execute(again.values(again=True)).rowcount
