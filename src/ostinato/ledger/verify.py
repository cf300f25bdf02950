"""Verification: every event read again, hashed, and compared with the seals and with the columns that searches use."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row
from sqlalchemy.exc import DBAPIError

from ostinato.kernel.errors import OstinatoError
from ostinato.ledger import store
from ostinato.ledger.body import read
from ostinato.ledger.merkle import Tree
from ostinato.ledger.seal import Seal
from ostinato.ledger.types import Verification
from ostinato.storage.rows.rows import Tx

_PROBLEMS_MAX = 100


@dataclass(frozen=True, slots=True)
class _Claim:
    """What a head says: the first `size` events have the root `root`."""

    size: int
    root: bytes
    exported: bool


def verify(tx: Tx, seal: Seal, exported: str | None) -> Verification:
    """Check all events of one snapshot in constant memory; `exported` is the note of a head that was kept elsewhere."""
    problems: list[str] = []
    claims = _claims(tx, seal, exported, problems)
    tree, sealed, broken = Tree(), 0, False
    try:
        for found in _walk(tx, tree):
            problems += found
            while claims and claims[0].size == tree.size:
                claim = claims.popleft()
                if claim.root == tree.root():
                    sealed = claim.size
                elif claim.exported:
                    problems.append(
                        f"the exported head of {claim.size} events does not fit: the ledger was rewritten after it was exported"
                    )
                elif not broken:  # all heads from here on differ too
                    problems.append(f"events {sealed} to {claim.size - 1} are not those that were sealed")
                    broken = True
    except (DBAPIError, TypeError, ValueError) as error:
        problems.append(f"event {tree.size}: its row cannot be read ({str(error).splitlines()[0]})")
        claims.clear()
    for claim in claims:
        head = "the exported head" if claim.exported else "a head"
        problems.append(f"{head} counts {claim.size} events, {tree.size} are left: the tail was cut")
    if len(problems) > _PROBLEMS_MAX:
        problems[_PROBLEMS_MAX:] = [f"and {len(problems) - _PROBLEMS_MAX} more"]
    return Verification(ok=not problems, events=tree.size, sealed=sealed, problems=problems)


def _claims(tx: Tx, seal: Seal, exported: str | None, problems: list[str]) -> deque[_Claim]:
    claims = []
    for head in store.heads(tx):
        try:
            stated = seal.check(head.note)
        except OstinatoError as error:
            problems.append(f"head of {head.size} events: {error.message}")
            continue
        if (stated.size, stated.root.hex()) != (head.size, head.root):
            problems.append(f"head of {head.size} events: its columns differ from its signed note")
        claims.append(_Claim(stated.size, stated.root, exported=False))
    if exported is not None:
        try:
            stated = seal.check(exported)
            claims.append(_Claim(stated.size, stated.root, exported=True))
        except OstinatoError as error:
            problems.append(f"exported head: {error.message}")
    return deque(sorted(claims, key=lambda claim: claim.size))


def _walk(tx: Tx, tree: Tree) -> Iterator[list[str]]:
    """Add each event to the tree; yields what is wrong with its row and its refs."""
    refs = _Refs(store.raw_refs(tx))
    expected = 0
    for row in store.raw_events(tx):
        tree.add(row.body)
        found = [] if row.seq == expected else [f"event {expected}: missing, the next one is {row.seq}"]
        expected = row.seq + 1
        yield found + refs.strays(row.seq) + _compare(row, refs.of(row.seq))
    yield refs.strays(None)


class _Refs:
    """The rows of refs, read along with the events."""

    def __init__(self, rows: Iterator[Row[Any]]) -> None:
        self._rows = rows
        self._next = next(rows, None)

    def of(self, seq: int) -> list[Row[Any]]:
        return list(self._take(lambda row: row.seq == seq))

    def strays(self, seq: int | None) -> list[str]:
        """Complaints about refs of events before `seq` that nobody took; None: about all that are left."""
        return [
            f"event {row.seq}: a reference to {row.ref} belongs to no event" for row in self._take(lambda r: seq is None or r.seq < seq)
        ]

    def _take(self, fits: Any) -> Iterator[Row[Any]]:
        while self._next is not None and fits(self._next):
            yield self._next
            self._next = next(self._rows, None)


def _compare(row: Row[Any], refs: list[Row[Any]]) -> list[str]:
    try:
        body = read(row.body)
    except ValueError:
        return [f"event {row.seq}: its body is damaged"]
    problems = []
    if tuple(row)[2:] != (body.id, body.at_us, body.project, body.actor, body.verb, body.subject):
        edited = [name for name in row._fields[2:] if getattr(row, name) != getattr(body, name)]
        problems.append(f"event {row.seq}: edited in the columns {', '.join(edited)}")
    wanted = store.refs_of(body.subject, body.inputs, body.outputs)
    if [tuple(ref)[1:] for ref in refs] != [(position, body.project, *ref) for position, ref in enumerate(wanted)]:
        problems.append(f"event {row.seq}: its references were edited")
    return problems
