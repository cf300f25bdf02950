"""Garbage collection: deletes the blobs that nothing refers to, also beside a running server."""

from __future__ import annotations

import time
from contextlib import closing, nullcontext
from functools import partial
from itertools import chain
from pathlib import Path

from ostinato.kernel.errors import Invalid
from ostinato.kernel.frozen import frozen
from ostinato.kernel.settings import Settings
from ostinato.maintenance.database import looked_at
from ostinato.maintenance.files import DATABASE, held, kept, opened
from ostinato.maintenance.references import TELLING, named, packs
from ostinato.storage.blobs.blobs import Blobs, Stored
from ostinato.storage.blobs.chosen import readable, shelf_of
from ostinato.storage.blobs.owned import members, repack
from ostinato.storage.blobs.s3 import S3
from ostinato.storage.rows import file
from ostinato.storage.rows.chosen import rows_of

GRACE_MIN_HOURS = 2.0
"""Less would reach into work in progress: a blob that is wanted is marked so at most once an hour."""


@frozen
class Unused:
    """A blob that nothing refers to: its digest, its size in bytes, and how long nobody has stored or asked for it, in hours."""

    digest: str
    size: int
    unused_hours: float


@frozen
class Sparse:
    """A pack of small blobs of which less than half is still named: its digest and size in bytes, and how many of these are `needed`."""

    digest: str
    size: int
    needed: int


@frozen
class Collection:
    """`unused` of the store's `blobs` blobs (`blobs_size` bytes), `size` bytes together; deleted if `applied`.

    In a bucket they are put aside instead, and what was `aside` for long enough is deleted. What is needed of `sparse` packs is moved to
    new ones, so that a later collection deletes them.
    """

    applied: bool
    blobs: int
    blobs_size: int
    size: int
    unused: list[Unused]
    aside: list[Unused]
    sparse: list[Sparse]


def collect(data: Path, *, apply: bool = False, older_than_hours: float = 24.0) -> Collection:
    """Find the blobs that no row names and nobody wanted for `older_than_hours`, and with `apply` delete them.

    A blob stays if its digest appears anywhere in any row, or in a blob that stays. One that is stored again or asked for while it is
    about to go stays too, so this is safe beside a server and open stores. A bucket cannot say when something was asked for: there, what is
    unused is put aside, from where it comes back if somebody wants it, and a collection `older_than_hours` later deletes it.

    Raises:
        NotFound: there is no store in `data`.
        Invalid: a grace period below 2 hours.
        Unavailable: the bucket is out of reach.
        Corrupt: a blob that stays is damaged, so what it names cannot be known; nothing is deleted.
        Conflict: a backup, or another collection, is under way.
    """
    if not older_than_hours >= GRACE_MIN_HOURS:
        raise Invalid(
            f"{older_than_hours:g} hours are too short a grace period", hint=f"at least {GRACE_MIN_HOURS:g} hours", field="older_than_hours"
        )
    now, shelf = time.time(), shelf_of(Settings.read(opened(data)))
    before = now - older_than_hours * 3600
    with held(data, alone=apply), shelf.held(alone=True) if apply and isinstance(shelf, S3) else nullcontext():
        left = list(shelf.leaving()) if isinstance(shelf, S3) else []
        aside = {blob.digest for blob in left}
        stored = [blob for blob in shelf.all() if blob.digest not in aside]
        old = aside | {blob.digest for blob in stored if blob.wanted_s < before}
        there = aside | {blob.digest for blob in stored}
        blobs = readable(data, shelf)
        needed, packed = _named_blobs(data, there, old, blobs)
        gone = old - needed
        found = [blob for blob in stored if blob.digest in gone and (not apply or shelf.forget(blob.digest, before))]
        past = [blob for blob in left if blob.digest in gone and blob.wanted_s < before]
        sizes = {blob.digest: blob.size for blob in stored if blob.digest in packed & needed}
        sparse = _sparse(Settings.read(data), sizes, needed, blobs, apply=apply) if sizes else []
        if apply and isinstance(shelf, S3):
            for blob in past:
                shelf.drop(blob.digest)
            for digest in aside - gone:  # named meanwhile
                shelf.bring_back(digest)
    return Collection(
        applied=apply, blobs=len(stored), blobs_size=sum(blob.size for blob in stored), size=sum(blob.size for blob in found),
        unused=[_unused(blob, now) for blob in found], aside=[_unused(blob, now) for blob in past], sparse=sparse,
    )  # fmt: skip


def _unused(blob: Stored, now: float) -> Unused:
    return Unused(digest=blob.digest, size=blob.size, unused_hours=(now - blob.wanted_s) / 3600)


def _sparse(settings: Settings, sizes: dict[str, int], needed: set[str], blobs: Blobs, *, apply: bool) -> list[Sparse]:
    """The packs that are needed for less than half of their bytes; with `apply`, what is needed of them lies in new ones then."""
    found = []
    with closing(rows_of(settings)) as rows:
        for pack in sorted(sizes):
            places = rows.read(partial(members, pack=pack))
            live = sum(place.size for digest, place in places.items() if digest in needed)
            if 2 * live < sizes[pack]:
                found.append(Sparse(digest=pack, size=sizes[pack], needed=live))
                if apply:
                    repack(blobs, rows, pack, needed)
    return found


def _named_blobs(data: Path, stored: set[str], old: set[str], blobs: Blobs) -> tuple[set[str], set[str]]:
    """The blobs that are named or not old, and the packs."""
    with looked_at(Settings.read(data)) as rows:
        others = [path for path in kept(data) if path.name != DATABASE and file.is_database(path)]
        cells = chain.from_iterable(file.cells(path, but=TELLING) for path in (rows, *others))
        packed = packs(rows)
        return named(stored, old, cells, packed, blobs), {pack for found in packed.values() for pack in found}
