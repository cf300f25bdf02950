"""Verification of the ledger: every event is read, hashed, and compared with heads, tiles and search columns."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count as counting
from operator import attrgetter
from typing import Any

from sqlalchemy.exc import DBAPIError

from ostinato.kernel.errors import OstinatoError
from ostinato.kernel.progress import report_progress
from ostinato.ledger import heads, store
from ostinato.ledger.body import Outline, outline
from ostinato.ledger.merkle import HASH_SIZE, WIDTH, Tile, Tree
from ostinato.ledger.note import Checkpoint, Verifier
from ostinato.ledger.types import Verification
from ostinato.storage.rows.rows import Tx

_PROBLEMS_MAX = 100

_ERASED = ".erased"
_COLUMNS = ("id", "at_us", "project", "actor", "verb")
_columns_of = attrgetter(*_COLUMNS)


def verify(tx: Tx, key: Verifier, exported: str | None = None) -> Verification:
    """Check all events of one snapshot in constant memory; `exported` is the note of a head that was kept elsewhere."""
    check = _Check(tx, key, exported)
    try:
        check.run()
    except (DBAPIError, TypeError, ValueError) as error:
        check.complain(f"after event {check.tree.size - 1}: what follows cannot be read ({str(error).splitlines()[0]})")
    problems = check.problems + ([f"and {check.more} more"] if check.more else [])
    return Verification(ok=not problems, events=check.tree.size, sealed=check.sealed, problems=problems)


@dataclass(frozen=True, slots=True)
class _Claim:
    """What a head says: the first `size` events have the root `root`."""

    size: int
    root: bytes
    exported: bool


class _Check:
    """One pass over the ledger, in chunks: rows that are as they should be are compared by the thousand, others one by one."""

    def __init__(self, tx: Tx, key: Verifier, exported: str | None) -> None:
        self.problems: list[str] = []
        self.more = 0
        self.tree = Tree()
        self.sealed = 0
        self._tx = tx
        self._key = key
        self._broken = False
        self._next = 0
        self._covered = 0
        self._claims = self._read_claims(exported)
        self._claim: _Claim | None = None
        self._gone: dict[tuple[str, str], int] = {}
        self._erased: dict[tuple[str, str], int] = {}

    def complain(self, problem: str) -> None:
        """Note what is wrong, or that still more is."""
        if len(self.problems) < _PROBLEMS_MAX:
            self.problems.append(problem)
        else:
            self.more += 1

    def _read_claims(self, exported: str | None) -> Iterator[_Claim]:
        """What the heads state, smallest first, and with them what the exported one does."""
        outside = None if exported is None else self._stated(exported, "exported head")
        for head in heads.each(self._tx):
            stated = self._stated(head.note, f"head of {head.size} events")
            if stated is None:
                continue
            if (stated.size, stated.root.hex()) != (head.size, head.root):
                self.complain(f"head of {head.size} events: its columns differ from its signed note")
                continue
            if outside is not None and outside.size <= head.size:
                yield _Claim(outside.size, outside.root, exported=True)
                outside = None
            yield _Claim(stated.size, stated.root, exported=False)
        if outside is not None:
            yield _Claim(outside.size, outside.root, exported=True)

    def _stated(self, note: str, what: str) -> Checkpoint | None:
        try:
            return self._key.check(note)
        except OstinatoError as error:
            self.complain(f"{what}: {error.message}")
            return None

    def run(self) -> None:
        """Read everything once."""
        total, after, start = store.count(self._tx), store.LOWEST, store.LOWEST
        last = heads.last(self._tx)
        self._covered = last.size if last else 0
        self._claim = next(self._claims, None)
        self._settle()
        while rows := store.raw_events(self._tx, after):
            after = rows[-1][0]
            end = after + 1
            self._bodies(rows)
            self._columns(rows, start, end)
            start = end
            report_progress(self.tree.size, total)
        self._strays(store.raw_refs(self._tx, start, store.HIGHEST))
        self._alien(store.raw_private(self._tx, start, store.HIGHEST))
        self._end()

    # ---- the tree

    def _bodies(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Hash the bodies, stopping wherever a head states a root."""
        bodies = [row[1] if isinstance(row[1], bytes) else str(row[1]).encode() for row in rows]
        while bodies:
            room = self._claim.size - self.tree.size if self._claim else len(bodies)
            self.tree.extend(bodies[:room])
            bodies = bodies[room:]
            self._settle()
        for tile in self.tree.full:
            self._compare_tile(tile)
        self.tree.full.clear()

    def _settle(self) -> None:
        """Compare the root with the heads of this size."""
        while self._claim is not None and self._claim.size <= self.tree.size:
            claim, self._claim = self._claim, next(self._claims, None)
            if claim.root == self.tree.root():
                self.sealed = claim.size
            elif claim.exported:
                self.complain(f"the exported head of {claim.size} events does not fit: the ledger was rewritten after it was exported")
            elif not self._broken:  # all heads from here on differ too
                self.complain(f"events {self.sealed} to {claim.size - 1} are not those that were sealed")
                self._broken = True

    def _compare_tile(self, tile: Tile) -> None:
        """Compare a tile with the stored one, which may be from when it held less."""
        count = min(self._covered // WIDTH**tile.level - tile.index * WIDTH, WIDTH)
        if count > 0 and heads.tile(self._tx, tile.level, tile.index).hashes != tile.hashes[: count * HASH_SIZE]:
            self.complain(f"the tile {tile.index} of level {tile.level} does not fit the events")

    def _end(self) -> None:
        while self._claim is not None:
            head = "the exported head" if self._claim.exported else "a head"
            self.complain(f"{head} counts {self._claim.size} events, {self.tree.size} are left: the tail was cut")
            self._claim = next(self._claims, None)
        if self.tree.size >= self._covered:
            for tile in self.tree.edge():
                self._compare_tile(tile)
            expected, found = _tiles_of(self._covered), heads.tiles(self._tx)
            if expected != found:
                self.complain(f"there are {found} tiles, {expected} belong to {self._covered} sealed events")
        for (project, person), seq in self._gone.items():
            if self._erased.get((project, person), -1) < seq:
                self.complain(f"event {seq}: its personal values are gone, and no event says that they were erased")

    # ---- the projections

    def _columns(self, rows: Sequence[tuple[Any, ...]], start: int, end: int) -> None:
        """Compare the columns, references and personal values of the positions from `start` to before `end`."""
        refs, private = store.raw_refs(self._tx, start, end), store.raw_private(self._tx, start, end)
        outlines = [_outline(row[1]) for row in rows]
        found = [o for o in outlines if o is not None]
        if (
            [row[0] for row in rows] != list(range(self._next, self._next + len(found)))
            or [row[2:] for row in rows] != list(map(_columns_of, found))
            or refs != _refs_of(self._next, found)
        ):
            self._one_by_one(rows, outlines, refs)
        self._next = end
        self._private(
            [(row[0], o) for row, o in zip(rows, outlines, strict=True) if o and (o.private or o.verb.endswith(_ERASED))], private
        )

    def _one_by_one(self, rows: Sequence[tuple[Any, ...]], outlines: Sequence[Outline | None], refs: Sequence[tuple[Any, ...]]) -> None:
        """Name what differs."""
        held: dict[int, list[tuple[Any, ...]]] = {}
        for ref in refs:
            held.setdefault(ref[0] // store.REFS_MAX, []).append(ref)
        for row, found in zip(rows, outlines, strict=True):
            seq = row[0]
            if seq != self._next:
                self.complain(f"event {self._next}: missing, the next one is {seq}")
            self._next = seq + 1
            mine = held.pop(seq, [])
            if found is None:
                self.complain(f"event {seq}: its body is damaged")
                continue
            if edited := [name for name, value in zip(_COLUMNS, row[2:], strict=True) if value != getattr(found, name)]:
                self.complain(f"event {seq}: edited in the columns {', '.join(edited)}")
            if _refs_of(seq, [found]) != mine:
                self.complain(f"event {seq}: its references were edited")
        self._strays([ref for others in held.values() for ref in others])

    def _strays(self, refs: Iterable[tuple[Any, ...]]) -> None:
        for ref in refs:
            self.complain(f"event {ref[0] // store.REFS_MAX}: a reference to {ref[2]} belongs to no event")

    def _private(self, events: Iterable[tuple[int, Outline]], rows: Sequence[tuple[Any, ...]]) -> None:
        """Compare personal values with their commitments; what is gone must have been erased by a later event."""
        held = {(row[0], row[1]): row for row in rows}
        for seq, event in events:
            if event.verb.endswith(_ERASED):
                self._erased[event.project, event.subject] = seq
            for field, commitment in event.private.items():
                row = held.pop((seq, field), None)
                if row is None:
                    self._gone[event.project, commitment.person] = seq
                elif row[2:4] != (event.project, commitment.person) or hmac.digest(row[4], row[5], "sha256") != commitment.digest:
                    self.complain(f"event {seq}: its personal value {field} is not what was committed to")
        self._alien(held.values())

    def _alien(self, rows: Iterable[tuple[Any, ...]]) -> None:
        for row in rows:
            self.complain(f"event {row[0]}: a personal value {row[1]} belongs to no event")


def _refs_of(seq: int, outlines: Sequence[Outline]) -> list[tuple[Any, ...]]:
    """The rows of references as they should be, of events that follow one another from the position `seq` on."""
    places, projects, refs, roles = list[int](), list[str](), list[str](), list[str]()
    for place, o in zip(counting(seq * store.REFS_MAX, store.REFS_MAX), outlines, strict=False):
        count = 1 + len(o.inputs) + len(o.outputs)
        places += range(place, place + count)
        projects += [o.project] * count
        refs.append(o.subject)
        refs += o.inputs
        refs += o.outputs
        roles += store.roles_of(o.verb, len(o.inputs), len(o.outputs))
    return list(zip(places, projects, refs, roles, strict=True))


def _outline(body: Any) -> Outline | None:
    try:
        return outline(body)
    except (ValueError, TypeError):
        return None


def _tiles_of(size: int) -> int:
    """How many tiles a tree of `size` entries has."""
    count = 0
    while size:
        count += -(-size // WIDTH)
        size //= WIDTH
    return count
