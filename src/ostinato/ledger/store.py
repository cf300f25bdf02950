"""Tables of the ledger. The body is the event; the other columns and the refs are projections of it, to search by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    Row,
    String,
    Table,
    Text,
    bindparam,
    func,
    or_,
    select,
    type_coerce,
)

from ostinato.kernel.event import Event
from ostinato.kernel.ref import Ref
from ostinato.ledger.body import decode, encode
from ostinato.ledger.types import Edge, Head
from ostinato.storage.rows.rows import Instant, Json, Tx, metadata

event_table = Table(
    "ledger_event",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("id", String(26), nullable=False, unique=True),
    Column("at", Instant, nullable=False),
    Column("project", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("verb", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("ledger_event_project", "project", "seq"),
)

ref_table = Table(
    "ledger_ref",
    metadata,
    Column("seq", BigInteger, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("project", Text, nullable=False),
    Column("role", String(7), nullable=False),
    Column("thing", Text, nullable=False),
    Column("ref", Text, nullable=False),
    Index("ledger_ref_thing", "project", "thing", "seq"),
    Index("ledger_ref_ref", "project", "ref"),
    sqlite_with_rowid=False,
)

head_table = Table(
    "ledger_head",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("root", String(64), nullable=False),
    Column("at", Instant, nullable=False),
    Column("note", Text, nullable=False),
    Column("range", LargeBinary, nullable=False),
)

cursor_table = Table("ledger_cursor", metadata, Column("name", Text, primary_key=True), Column("seq", BigInteger, nullable=False))

subscription_table = Table(
    "ledger_subscription",
    metadata,
    Column("project", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("sink", Text, nullable=False),
    Column("parameters", Json, nullable=False),
    Column("verbs", Json, nullable=False),
    Column("failures", Integer, nullable=False, default=0),
    Column("retry_at", Float, nullable=False, default=0.0),
    Column("error", Text, nullable=False, default=""),
)

# ---- events

_next_seq = select(func.coalesce(func.max(event_table.c.seq), -1) + 1)
_insert_event = event_table.insert()
_insert_ref = ref_table.insert()
_MADE = ("output", "made")


def refs_of(subject: str, inputs: Sequence[str], outputs: Sequence[str]) -> list[tuple[str, str, str]]:
    """Role, thing and text of each ref of an event; `made` is a subject that came from the inputs of an event without outputs."""
    roles = ["made" if inputs and not outputs else "subject", *("input" for _ in inputs), *("output" for _ in outputs)]
    return [(role, ref.partition("@")[0], ref) for role, ref in zip(roles, (subject, *inputs, *outputs), strict=True)]


def append(tx: Tx, event: Event) -> int:
    """Give the event the next position and keep it; returns the position."""
    seq, subject = int(tx.execute(_next_seq).scalar_one()), str(event.subject)
    row = {"seq": seq, "id": event.id, "at": event.at, "project": event.project, "actor": event.actor, "verb": event.verb}
    tx.execute(_insert_event, row | {"subject": subject, "body": encode(event)})
    refs = refs_of(subject, [str(ref) for ref in event.inputs], [str(ref) for ref in event.outputs])
    place = {"seq": seq, "project": event.project}
    tx.execute(
        _insert_ref, [place | {"position": i, "role": role, "thing": thing, "ref": ref} for i, (role, thing, ref) in enumerate(refs)]
    )
    return seq


def count(tx: Tx) -> int:
    """The number of events, of all projects."""
    return int(tx.execute(_next_seq).scalar_one())


_events = select(event_table.c.seq, event_table.c.body)


def events(tx: Tx, project: str | None, filters: dict[str, Any], after: int | None, limit: int, newest: bool = False) -> list[Event]:
    """Events of a project (None: of all) beyond the position `after` in the direction of the listing."""
    at = event_table.c.at
    query = _events if project is None else _events.where(event_table.c.project == project)
    for name, value in filters.items():
        if value is None:
            continue
        if name == "subject":
            query = query.where(event_table.c.seq.in_(_touching(str(project), value).where(ref_table.c.position == 0)))
        elif name == "touching":
            query = query.where(event_table.c.seq.in_(_touching(str(project), value)))
        elif name == "since":
            query = query.where(at >= value)
        elif name == "until":
            query = query.where(at <= value)
        elif name == "verb" and value.endswith("*"):
            query = query.where(event_table.c.verb.startswith(value[:-1], autoescape=True))
        else:
            query = query.where(event_table.c[name] == value)
    if after is not None:
        query = query.where(event_table.c.seq < after if newest else event_table.c.seq > after)
    order = event_table.c.seq.desc() if newest else event_table.c.seq
    return [decode(row.body, row.seq) for row in tx.all(query.order_by(order).limit(limit))]


def _touching(project: str, ref: Ref) -> Any:
    """Positions of the events that name `ref`; without a version, any version of it."""
    column = ref_table.c.ref if ref.version is not None else ref_table.c.thing
    return select(ref_table.c.seq).where(ref_table.c.project == project, column == str(ref))


# ---- lineage

_effect, _cause = ref_table.alias("effect"), ref_table.alias("cause")
_edges = (
    select(
        _cause.c.ref.label("source"), _effect.c.ref.label("target"), *(event_table.c[n] for n in ("subject", "verb", "seq", "at", "actor"))
    )
    .select_from(_effect.join(_cause, _effect.c.seq == _cause.c.seq).join(event_table, event_table.c.seq == _effect.c.seq))
    .where(_effect.c.role.in_(_MADE), _cause.c.role == "input", _effect.c.ref != _cause.c.ref)
    .where(or_(bindparam("at", type_=Instant) == None, event_table.c.at <= bindparam("at", type_=Instant)))  # noqa: E711
    .order_by(event_table.c.seq, _cause.c.position, _effect.c.position)
)
_towards = {
    side: _edges.where(table.c.project == bindparam("project"), table.c.ref.in_(bindparam("refs", expanding=True)))
    for side, table in (("up", _effect), ("down", _cause))
}


def edges(tx: Tx, project: str, direction: str, refs: Sequence[str], at: Any) -> list[Edge]:
    """The edges that lead into (`up`) or out of (`down`) any of `refs`, up to the instant `at`."""
    found = []
    for start in range(0, len(refs), 500):
        chunk = {"project": project, "refs": list(refs[start : start + 500]), "at": at}
        for row in tx.all(_towards[direction], chunk):
            ends = {name: Ref.parse(row._mapping[name]) for name in ("source", "target", "subject")}
            found.append(Edge(**ends, verb=row.verb, seq=row.seq, at=row.at, actor=row.actor))
    return found


# ---- heads

_last_head = select(head_table).order_by(head_table.c.size.desc()).limit(1)
_bodies = select(event_table.c.body).where(event_table.c.seq >= bindparam("start")).order_by(event_table.c.seq)


def last_head(tx: Tx) -> tuple[Head, bytes] | None:
    """The newest head, and the compact range of its tree."""
    row = tx.first(_last_head)
    return None if row is None else (_head(row), row.range)


def heads(tx: Tx) -> list[Head]:
    """All heads, smallest first."""
    return [_head(row) for row in tx.all(select(head_table).order_by(head_table.c.size))]


def bodies(tx: Tx, start: int) -> Iterator[bytes]:
    """The bodies from the position `start` on."""
    for row in tx.execute(_bodies, {"start": start}):
        yield row.body


def add_head(tx: Tx, head: Head, packed: bytes) -> None:
    """Keep a head; another process may have kept the same before."""
    row = {"size": head.size, "root": head.root, "at": head.at, "note": head.note, "range": packed}
    tx.insert_missing(head_table, row)


def _head(row: Row[Any]) -> Head:
    return Head(size=row.size, root=row.root, at=row.at, note=row.note)


# ---- the raw rows, for verification


_raw = (
    event_table.c.id,
    type_coerce(event_table.c.at, BigInteger).label("at_us"),
    *(event_table.c[n] for n in ("project", "actor", "verb", "subject")),
)


def raw_events(tx: Tx) -> Iterator[Row[Any]]:
    """All rows of events in order; instants in microseconds."""
    yield from tx.execute(select(event_table.c.seq, event_table.c.body, *_raw).order_by(event_table.c.seq))


def raw_refs(tx: Tx) -> Iterator[Row[Any]]:
    """All rows of refs in order."""
    columns = (ref_table.c[name] for name in ("seq", "position", "project", "role", "thing", "ref"))
    yield from tx.execute(select(*columns).order_by(ref_table.c.seq, ref_table.c.position))


# ---- cursors and subscriptions

_cursor = select(cursor_table.c.seq).where(cursor_table.c.name == bindparam("name"))


def cursor(tx: Tx, name: str) -> int:
    """The position up to which the cursor was advanced; -1 at first."""
    row = tx.first(_cursor, {"name": name})
    return -1 if row is None else int(row.seq)


def advance(tx: Tx, name: str, seq: int) -> None:
    """Move the cursor forward to `seq`; it never goes back."""
    if not tx.insert_missing(cursor_table, {"name": name, "seq": seq}):
        tx.execute(cursor_table.update().where(cursor_table.c.name == name, cursor_table.c.seq < seq).values(seq=seq))


def subscriptions(tx: Tx, project: str | None, name: str | None = None) -> Sequence[Row[Any]]:
    """The subscriptions of a project (None: of all)."""
    table = subscription_table.c
    query = select(subscription_table).order_by(table.project, table.name)
    query = query if project is None else query.where(table.project == project)
    return tx.all(query if name is None else query.where(table.name == name))


def add_subscription(tx: Tx, row: dict[str, Any]) -> None:
    """Keep a new subscription."""
    tx.execute(subscription_table.insert(), row)


def mark_subscription(tx: Tx, project: str, name: str, failures: int, retry_at: float, error: str) -> None:
    """Remember how the latest delivery went."""
    table = subscription_table.c
    change = subscription_table.update().where(table.project == project, table.name == name)
    tx.execute(change.values(failures=failures, retry_at=retry_at, error=error))


def drop_subscription(tx: Tx, project: str, name: str) -> None:
    """Forget a subscription and its cursor."""
    table = subscription_table.c
    tx.execute(subscription_table.delete().where(table.project == project, table.name == name))
    tx.execute(cursor_table.delete().where(cursor_table.c.name == f"sink/{project}/{name}"))
