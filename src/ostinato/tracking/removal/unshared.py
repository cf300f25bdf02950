"""The blobs that only the given runs and candidates name."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence, Set
from typing import Any

from sqlalchemy import Column, Table, select

from ostinato.kernel.caller import caller
from ostinato.storage.blobs.owned import owner
from ostinato.storage.rows.rows import BLOB, PACKED, Tx, metadata
from ostinato.tracking.owner_id import owner_of_candidate
from ostinato.tracking.store import artifact_table, run_table

AT_ONCE = 5_000
"""So many values stand in one condition; SQLite takes 32,766."""
_DIGEST = re.compile("[0-9a-f]{64}")
_WHOSE: dict[Table, Column[Any]] = {artifact_table: artifact_table.c.holder, run_table: run_table.c.id}


def freed(tx: Tx, runs: Collection[str], candidates: Collection[str]) -> int:
    """The bytes of the blobs that nothing names any more once these are gone, each counted once, wherever else in the store it is named.

    What counts is what the columns of all tables declare; a collection, which deletes them, looks at everything.
    """
    project, holders = caller().project, {*runs, *map(owner_of_candidate, candidates)}
    a, r = artifact_table.c, run_table.c
    names: dict[str, int] = {}
    for some in parts(list(holders)):
        for row in tx.all(select(a.digest, a.size).where(a.project == project, a.holder.in_(some))):
            names[row.digest] = row.size
    environments: set[str] = set()
    for some in parts(list(runs)):
        environments.update(row.environment for row in tx.all(select(r.environment).where(r.project == project, r.id.in_(some))))
    for some in parts([digest for digest in environments if digest]):
        for row in tx.all(select(owner.c.digest, owner.c.size).where(owner.c.project == project, owner.c.digest.in_(some))):
            names[row.digest] = row.size
    if not names:
        return 0
    shared = {digest for table, column in _declared() for digest in _digests_named(tx, table, column, names.keys(), project, holders)}
    return sum(size for digest, size in names.items() if digest not in shared)


def parts(values: Sequence[str], size: int = AT_ONCE) -> Iterator[Sequence[str]]:
    """The values, so many at a time."""
    return (values[start : start + size] for start in range(0, len(values), size))


def _declared() -> Iterator[tuple[Table, Column[Any]]]:
    return ((table, column) for table in metadata.sorted_tables for column in table.columns if column.info in (BLOB, PACKED))


def _digests_named(tx: Tx, table: Table, column: Column[Any], digests: Set[str], project: str, going: Set[str]) -> Iterator[str]:
    """Those of these digests that a column names, in rows of what does not go."""
    whose = _WHOSE.get(table)
    if column.info == PACKED:
        for row in tx.stream(select(column).where(column.is_not(None))):
            yield from digests & set(_DIGEST.findall(str(row[0])))
        return
    for some in parts(list(digests)):
        if whose is None:
            yield from (row[0] for row in tx.all(select(column).where(column.in_(some)).distinct()))
        else:
            found: Iterator[tuple[Any, ...]] = map(tuple, tx.stream(select(column, table.c.project, whose).where(column.in_(some))))
            yield from (digest for digest, of, holder in found if of != project or holder not in going)
