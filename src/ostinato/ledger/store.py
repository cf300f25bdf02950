"""Tables of the ledger. The body is the event; the other columns and the refs are projections of it, to search by."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import count as counting
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    and_,
    bindparam,
    func,
    literal_column,
    select,
    union_all,
)

from ostinato.kernel.errors import Corrupt
from ostinato.kernel.event import Event
from ostinato.kernel.instant import instant_of, micros_of
from ostinato.kernel.ref import Ref
from ostinato.ledger.body import Body, Private, event_of, read
from ostinato.ledger.types import Edge
from ostinato.storage.rows.prepared import Prepared
from ostinato.storage.rows.rows import Tx, metadata

_Position = BigInteger().with_variant(Integer, "sqlite")
_Bytewise = Text().with_variant(Text(collation="C"), "postgresql")
"""Text that sorts by its bytes in every database: prefixes are ranges."""

event_table = Table(
    "ledger_event",
    metadata,
    Column("seq", _Position, primary_key=True, autoincrement=False),
    Column("id", String(26), nullable=False, unique=True),
    Column("at_us", BigInteger, nullable=False),
    Column("project", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("verb", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("ledger_event_project", "project", "seq"),
)

ref_table = Table(
    "ledger_ref",
    metadata,
    Column("place", _Position, primary_key=True, autoincrement=False),
    Column("project", Text, nullable=False),
    Column("ref", _Bytewise, nullable=False),
    Column("role", String(1), nullable=False),
    Index("ledger_ref_ref", "project", "ref", "role", "place"),
)

private_table = Table(
    "ledger_private",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("field", Text, primary_key=True),
    Column("project", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("value", LargeBinary, nullable=False),
    Column("mark", LargeBinary, unique=True),
    Index("ledger_private_person", "project", "person"),
)

CHUNK = 128
"""Rows that are read at once where all are read: so few that they stay in the cache of the processor, which halves the time."""
LOWEST, HIGHEST = -(1 << 63), (1 << 63) - 1

# ---- events

REFS_MAX = 1 << 20
"""References that an event may hold; `place` is the event's position times this, plus the reference's own."""

SUBJECT, MADE, INPUT, OUTPUT, COMMENTED = "s", "m", "i", "o", "c"
"""Roles of a reference. `MADE` is a subject that came from the inputs of an event without outputs, `COMMENTED` that of a comment."""

_next = select(func.coalesce(func.max(event_table.c.seq), literal_column("-1")) + literal_column("1", Integer))
_insert_event = Prepared(
    event_table.insert().values(seq=_next.scalar_subquery()).returning(event_table.c.seq),
    ("id", "at_us", "project", "actor", "verb", "body"),
)
_insert_ref = Prepared(ref_table.insert())
_insert_private = Prepared(private_table.insert())
_count = Prepared(_next)


@lru_cache(512)
def roles_of(verb: str, inputs: int, outputs: int) -> str:
    """The roles of the references of an event, in order: its subject, the inputs, the outputs."""
    first = COMMENTED if verb.endswith(".commented") else MADE if inputs and not outputs else SUBJECT
    return first + INPUT * inputs + OUTPUT * outputs


def append(tx: Tx, body: Body, packed: bytes) -> int:
    """Give the event the next position and keep it; returns the position."""
    row = {"id": body.id, "at_us": body.at_us, "project": body.project, "actor": body.actor, "verb": body.verb, "body": packed}
    seq: int = tx.fetch(_insert_event, row)[0][0]
    refs = zip(
        counting(seq * REFS_MAX),
        (body.subject, *body.inputs, *body.outputs),
        roles_of(body.verb, len(body.inputs), len(body.outputs)),
        strict=False,
    )
    tx.run(_insert_ref, [{"place": place, "project": body.project, "ref": ref, "role": role} for place, ref, role in refs])
    return seq


def count(tx: Tx) -> int:
    """The number of events, of all projects."""
    return int(tx.fetch(_count)[0][0])


def count_after(tx: Tx, project: str, seq: int, most: int) -> int:
    """The number of events of a project beyond a position, at most so many."""
    beyond = select(event_table.c.seq).where(event_table.c.project == project, event_table.c.seq > seq).limit(most).subquery()
    found = tx.first(select(func.count()).select_from(beyond))
    return int(found[0]) if found else 0


_events = select(event_table.c.seq, event_table.c.body)


def events(tx: Tx, project: str | None, filters: Mapping[str, Any], after: int | None, limit: int, newest: bool = False) -> list[Event]:
    """Events of a project (None: of all) beyond the position `after` in the direction of the listing."""
    table, query = event_table.c, narrowed(_events, project, filters)
    if after is not None:
        query = query.where(table.seq < after if newest else table.seq > after)
    rows = tx.all(query.order_by(table.seq.desc() if newest else table.seq).limit(limit))
    return _decoded(tx, [(row.seq, row.body) for row in rows])


def events_called(tx: Tx, verbs: Collection[str], after: int, limit: int) -> list[Event]:
    """Events of all projects beyond the position `after` that are called so, oldest first."""
    query = _events.where(event_table.c.seq > after, event_table.c.verb.in_(verbs)).order_by(event_table.c.seq).limit(limit)
    return _decoded(tx, [(row.seq, row.body) for row in tx.all(query)])


def narrowed(query: Any, project: str | None, filters: Mapping[str, Any]) -> Any:
    """A query over the events, of those of a project that pass the filters alone."""
    table = event_table.c
    if project is not None and not any(filters.get(name) for name in _ROLES):  # a reference knows its project, and is the better way in
        query = query.where(table.project == project)
    for name, value in filters.items():
        if value is None:
            continue
        if name in _ROLES:
            query = query.where(table.seq.in_(_touching(str(project), value, _ROLES[name])))
        elif name == "since":
            query = query.where(table.at_us >= micros_of(value))
        elif name == "until":
            query = query.where(table.at_us <= micros_of(value))
        elif name == "verb" and value.endswith("*"):
            query = query.where(table.verb.startswith(value[:-1], autoescape=True))
        else:
            query = query.where(table[name] == value)
    return query


_ROLES = {"subject": (SUBJECT, MADE, COMMENTED), "touching": (), "commented": (COMMENTED,)}


def _touching(project: str, ref: Ref, roles: Sequence[str]) -> Any:
    """Positions of the events that name `ref` in one of the roles (none: in any); without a version, any version of it."""
    table, text = ref_table.c, str(ref)
    ways = [table.ref == text]
    if ref.version is None:
        ways.append(and_(table.ref > f"{text}@", table.ref < f"{text}A"))
    queries = [select(table.place // REFS_MAX).where(table.project == project, way) for way in ways]
    # two ranges of one index: SQLite takes an OR for a reason to read all of the project
    return union_all(*(query.where(table.role.in_(roles)) if roles else query for query in queries))


_naming = select(ref_table.c.place // REFS_MAX).where(
    ref_table.c.project == bindparam("project"),
    ref_table.c.ref.in_(bindparam("refs", expanding=True)),
    ref_table.c.role == bindparam("role"),
)
_of_refs = _events.where(event_table.c.seq.in_(_naming)).order_by(event_table.c.seq)


def events_of(tx: Tx, project: str, refs: Sequence[str], role: str) -> list[Event]:
    """The events that name any of exactly these refs in the role, oldest first."""
    rows = [row for chunk in _chunks(refs) for row in tx.all(_of_refs, {"project": project, "refs": chunk, "role": role})]
    return _decoded(tx, [(row.seq, row.body) for row in rows])


_by_seq = _events.where(event_table.c.seq.in_(bindparam("seqs", expanding=True))).order_by(event_table.c.seq)
_by_id = Prepared(
    select(event_table.c.seq, event_table.c.body).where(event_table.c.project == bindparam("project"), event_table.c.id == bindparam("id"))
)
_private = select(private_table.c.seq, private_table.c.field, private_table.c.value).where(
    private_table.c.seq.in_(bindparam("seqs", expanding=True))
)


def events_at(tx: Tx, seqs: Sequence[int]) -> list[Event]:
    """The events at these positions."""
    return _decoded(tx, [(row.seq, row.body) for chunk in _chunks(seqs) for row in tx.all(_by_seq, {"seqs": chunk})])


def body_of(tx: Tx, project: str, id: str) -> tuple[int, bytes] | None:
    """Position and stored bytes of the event of that id."""
    found = tx.fetch(_by_id, {"project": project, "id": id})
    return (found[0][0], found[0][1]) if found else None


def _decoded(tx: Tx, rows: Sequence[tuple[int, bytes]]) -> list[Event]:
    bodies = [(seq, _read(seq, body)) for seq, body in rows]
    values: dict[int, dict[str, bytes]] = {}
    for chunk in _chunks([seq for seq, body in bodies if body.private]):
        for row in tx.all(_private, {"seqs": chunk}):
            values.setdefault(row.seq, {})[row.field] = row.value
    return [event_of(body, seq, values.get(seq, {})) for seq, body in bodies]


def _read(seq: int, packed: bytes) -> Body:
    try:
        return read(packed)
    except (ValueError, TypeError) as error:
        raise Corrupt(f"event {seq} is damaged", hint="ostinato ledger verify names all that is") from error


def _chunks(items: Sequence[Any], size: int = 500) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


# ---- personal values

_by_mark = Prepared(select(private_table.c.seq).where(private_table.c.mark == bindparam("mark")))


def add_private(tx: Tx, seq: int, project: str, values: Sequence[Private], mark: bytes | None) -> None:
    """Keep the personal values of an event; `mark` is what the first of them is found by if it comes again."""
    place = {"seq": seq, "project": project}
    rows = [place | {"field": v.field, "person": v.person, "salt": v.salt, "value": v.value, "mark": None} for v in values]
    rows[0]["mark"] = mark
    tx.run(_insert_private, rows)


def marked(tx: Tx, mark: bytes) -> Event | None:
    """The event whose personal value bears the mark."""
    found = events_at(tx, [seq for (seq,) in tx.fetch(_by_mark, {"mark": mark})])
    return found[0] if found else None


def erase(tx: Tx, project: str, person: str) -> int:
    """Delete all personal values of a person; returns how many there were."""
    table = private_table.c
    return tx.execute(private_table.delete().where(table.project == project, table.person == person)).rowcount


# ---- lineage


def edges(tx: Tx, project: str, up: bool, refs: Sequence[str], at: datetime | None, limit: int) -> tuple[list[Edge], bool]:
    """Edges that lead into (`up`) or out of any of `refs`, up to the instant `at`, from at most `limit` events for 500 of them, and
    at most `limit` edges; and whether that is all."""
    table, found, wanted, all_of_them = ref_table.c, list[Edge](), set(refs), True
    for chunk in _chunks(refs):
        drawing = select(table.place // REFS_MAX).where(
            table.project == project, table.ref.in_(chunk), table.role.in_((MADE, OUTPUT) if up else (INPUT,))
        )
        query = _events.where(event_table.c.seq.in_(drawing)).order_by(event_table.c.seq).limit(limit)
        if at is not None:
            query = query.where(event_table.c.at_us <= micros_of(at))
        rows = tx.all(query)
        all_of_them = all_of_them and len(rows) < limit
        for row in rows:
            for edge in _drawn(_read(row.seq, row.body), row.seq, wanted, up):
                found.append(edge)
                if len(found) >= limit:
                    return found, False
    return found, all_of_them


def _drawn(body: Body, seq: int, wanted: set[str], up: bool) -> Iterator[Edge]:
    """The edges of one event that end (`up`) or begin at a wanted ref."""
    told: dict[str, Any] = {"subject": Ref.parse(body.subject), "verb": body.verb, "seq": seq, "actor": body.actor}
    told["at"] = instant_of(body.at_us)
    for source in body.inputs:
        if up or source in wanted:
            for target in body.outputs or [body.subject]:
                if source != target and (not up or target in wanted):
                    yield Edge(source=Ref.parse(source), target=Ref.parse(target), **told)


# ---- the raw rows, for seals and verification

_bodies = Prepared(
    select(event_table.c.body)
    .where(event_table.c.seq >= bindparam("start"), event_table.c.seq < bindparam("end"))
    .order_by(event_table.c.seq)
)
_raw_events = Prepared(
    select(*(event_table.c[name] for name in ("seq", "body", "id", "at_us", "project", "actor", "verb")))
    .where(event_table.c.seq > bindparam("after"))
    .order_by(event_table.c.seq)
    .limit(CHUNK)
)
_raw_refs = Prepared(
    select(ref_table).where(ref_table.c.place >= bindparam("start"), ref_table.c.place < bindparam("end")).order_by(ref_table.c.place)
)
_raw_private = Prepared(
    select(*(private_table.c[name] for name in ("seq", "field", "project", "person", "salt", "value"))).where(
        private_table.c.seq >= bindparam("start"), private_table.c.seq < bindparam("end")
    )
)


def bodies(tx: Tx, start: int, end: int) -> list[bytes]:
    """The bodies from the position `start` to before `end`."""
    return [body for (body,) in tx.fetch(_bodies, {"start": start, "end": end})]


def raw_events(tx: Tx, after: int) -> list[tuple[Any, ...]]:
    """The next rows of events, `CHUNK` at most: position, body and the columns."""
    return tx.fetch(_raw_events, {"after": after})


def raw_refs(tx: Tx, start: int, end: int) -> list[tuple[Any, ...]]:
    """The rows of refs of the positions from `start` to before `end`, in order."""
    return tx.fetch(_raw_refs, {"start": _place(start), "end": _place(end)})


def raw_private(tx: Tx, start: int, end: int) -> list[tuple[Any, ...]]:
    """The rows of personal values of the positions from `start` to before `end`."""
    return tx.fetch(_raw_private, {"start": start, "end": end})


def _place(seq: int) -> int:
    return min(max(seq * REFS_MAX, LOWEST), HIGHEST)
