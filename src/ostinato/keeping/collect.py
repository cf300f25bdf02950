"""Collect: delete the blobs that nothing refers to, beside a running server."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from ostinato.keeping.database import looked_at
from ostinato.keeping.files import DATABASE, held, kept, opened, shelf
from ostinato.keeping.references import OWNERS, packs, unnamed
from ostinato.kernel.errors import Invalid
from ostinato.kernel.settings import Settings
from ostinato.storage.blobs.blobs import Blobs
from ostinato.storage.blobs.chosen import readable
from ostinato.storage.rows import file

GRACE_MIN_HOURS = 2.0
"""Less would reach into work in progress: a blob that is wanted is marked so at most once an hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unused:
    """A blob that nothing refers to: its digest, its size in bytes, and how long nobody has stored or asked for it, in hours."""

    digest: str
    size: int
    unused_hours: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """`unused` of the store's `blobs` blobs (`blobs_size` bytes), `size` bytes together; deleted if `applied`."""

    applied: bool
    blobs: int
    blobs_size: int
    size: int
    unused: list[Unused]


def collect(data: Path, *, apply: bool = False, older_than_hours: float = 24.0) -> Collection:
    """Find the blobs that no row names and nobody wanted for `older_than_hours`, and with `apply` delete them.

    A blob stays if its digest appears anywhere in any row, or in a blob that stays. One that is stored again or asked for while it is
    about to go stays too, so this is safe beside a server and open stores.

    Raises:
        NotFound: there is no store in `data`.
        Invalid: a grace period below 2 hours, or the blobs lie in a bucket.
        Corrupt: a blob that stays is damaged, so what it names cannot be known; nothing is deleted.
        Conflict: a backup, or another collection, is under way.
    """
    if not older_than_hours >= GRACE_MIN_HOURS:
        raise Invalid(
            f"{older_than_hours:g} hours are too short a grace period", hint=f"at least {GRACE_MIN_HOURS:g} hours", field="older_than_hours"
        )
    with held(opened(data), alone=apply):
        now = time.time()
        blobs, before = shelf(data), now - older_than_hours * 3600
        stored = list(blobs.all())
        old = {blob.digest for blob in stored if blob.wanted_s < before}
        gone = _unnamed(data, {blob.digest for blob in stored}, old, readable(data, blobs)) if old else set()
        found = [blob for blob in stored if blob.digest in gone and (not apply or blobs.forget(blob.digest, before))]
    return Collection(
        applied=apply, blobs=len(stored), blobs_size=sum(blob.size for blob in stored), size=sum(blob.size for blob in found),
        unused=[Unused(digest=blob.digest, size=blob.size, unused_hours=(now - blob.wanted_s) / 3600) for blob in found],
    )  # fmt: skip


def _unnamed(data: Path, stored: set[str], old: set[str], blobs: Blobs) -> set[str]:
    with looked_at(Settings.read(data)) as rows:
        others = [path for path in kept(data) if path.name != DATABASE and file.is_database(path)]
        cells = chain.from_iterable(file.cells(path, but=(OWNERS,)) for path in (rows, *others))
        return unnamed(stored, old, cells, packs(rows), blobs)
