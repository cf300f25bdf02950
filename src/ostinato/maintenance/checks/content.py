"""What the store holds: the blobs that rows name, the ledger, the logs of predictions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq

from ostinato.kernel.clock import SystemClock
from ostinato.kernel.errors import Corrupt, NotFound
from ostinato.ledger.service import Ledger
from ostinato.maintenance.checks.check import CheckedStore, Fault, problem
from ostinato.maintenance.database import looked_at
from ostinato.maintenance.files import BLOBS, ENDPOINTS, KEY
from ostinato.maintenance.references import lost
from ostinato.serving.plane.log import read_lines
from ostinato.storage.blobs.chosen import readable, shelf_of
from ostinato.storage.blobs.keys import KEY_FILE


def references(checked: CheckedStore) -> Iterator[Fault]:
    """The blobs that rows need are there."""
    there = {blob.digest for blob in shelf_of(checked.settings).all()}
    with looked_at(checked.settings) as rows:
        for digest, places in lost(rows, there).items():
            mend = f"copy it from a backup to {_place(checked.data, digest)}, or store the original again"
            yield problem(f"the blob {digest} is missing; {places} name it", mend)


def ledger(checked: CheckedStore) -> Iterator[Fault]:
    """The ledger is what it was when it was sealed."""
    if not (checked.data / KEY).exists():
        return  # and is said to be missing
    verification = Ledger(rows=checked.rows, clock=SystemClock(), key_path=checked.data / KEY).verify()
    for found in verification.problems:
        yield problem(found, "the history was changed behind the back of Ostinato: keep a copy of the folder, then restore a backup")


def blobs(checked: CheckedStore) -> Iterator[Fault]:
    """Every blob in a file still has its digest; reads them all."""
    shelf = shelf_of(checked.settings)
    try:
        contents = readable(checked.data, shelf)
    except Corrupt as error:
        yield problem(error.message, error.hint)
        return
    sealed = 0
    for blob in shelf.all():
        try:
            for _ in contents.stream(blob.digest):
                pass
        except Corrupt:
            if contents is shelf and next(iter(shelf.raw(blob.digest)), b"").startswith(_SEALED):
                sealed += 1
            else:
                yield problem(f"the blob {blob.digest} is damaged", f"copy it from a backup to {_place(checked.data, blob.digest)}")
        except NotFound:  # collected since it was listed; one that is named by rows and missing is found by the check of references
            continue
    if sealed:
        yield problem(f"{KEY_FILE} is missing, and {sealed} blobs are encrypted", f"put {checked.data / KEY_FILE} back from a backup")


def logs(checked: CheckedStore) -> Iterator[Fault]:
    """The logs of predictions can be read; reads them all."""
    for path in sorted((checked.data / ENDPOINTS).glob("*/*/log/*")):
        try:
            if path.suffix == ".parquet":
                pq.read_table(path, page_checksum_verification=True)
            elif path.suffix == ".jsonl":
                read_lines(path)
        except FileNotFoundError:  # lines became a segment since they were listed: what they said is in that
            continue
        except (ValueError, OSError) as error:
            name, why = path.relative_to(checked.data), str(error).splitlines()[0]
            yield problem(f"{name} cannot be read: {why}", "copy it from a backup; the other segments are sound")


_SEALED = b"\x93OSTSL1\n"


def _place(data: Path, digest: str) -> Path:
    return data / BLOBS / digest[:2] / digest
