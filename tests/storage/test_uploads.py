"""Uploads: in any order, interrupted anywhere, by whoever has the bytes; one blob in the end or nothing."""

from __future__ import annotations

import os
import random
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from blake3 import blake3
from sqlalchemy import update

from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import Conflict, Invalid, NotFound, TooLarge
from ostinato.storage.blobs.blobs import Blobs
from ostinato.storage.blobs.keys import Keys
from ostinato.storage.blobs.local import Local
from ostinato.storage.blobs.numbered import Numbered
from ostinato.storage.blobs.owned import Owned
from ostinato.storage.blobs.sealed import Sealed
from ostinato.storage.blobs.sending import Span
from ostinato.storage.blobs.uploads import Uploads, part
from ostinato.storage.rows.postgres import Postgres
from ostinato.storage.rows.rows import Rows, metadata

CONTENT = random.Random(1).randbytes(1_000_000)
NAME = blake3(CONTENT).hexdigest()


@pytest.fixture(params=["plain", "sealed"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path, rows: Rows) -> Blobs:
    files = Local(tmp_path / "blobs")
    return Owned(files if request.param == "plain" else Sealed(files, Keys(tmp_path / "blob-keys")), rows)


@pytest.fixture(autouse=True)
def _ana() -> Iterator[None]:
    with calling(Caller(actor="person:ana", project="a")):
        yield


def cut(size: int = 300_000) -> list[tuple[int, bytes]]:
    return [(start, CONTENT[start : start + size]) for start in range(0, len(CONTENT), size)]


def test_parts_in_any_order_become_the_blob_and_repeats_change_nothing(blobs: Blobs, rows: Rows) -> None:
    parts = cut()
    random.Random(2).shuffle(parts)
    for number, (start, content) in enumerate(parts):
        with pytest.raises((Conflict, NotFound)):
            Uploads(blobs, rows).finish(NAME, len(CONTENT))
        uploads = Uploads(blobs, rows)  # as after a restart
        uploads.keep(NAME, start, content)
        assert len(uploads.keep(NAME, start, content).parts) == number + 1
    assert uploads.received(NAME).parts == [Span(start=start, size=len(content)) for start, content in cut()]
    blob = uploads.finish(NAME, len(CONTENT))
    assert blobs.open(blob.digest) == CONTENT
    assert blob == blobs.put(CONTENT)
    assert Uploads(blobs, rows).finish(NAME, len(CONTENT)) == blob
    assert uploads.received(NAME).parts == [Span(start=0, size=len(CONTENT))]


def test_the_same_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    rows = Postgres(postgres_url)
    rows.create(metadata)
    test_parts_in_any_order_become_the_blob_and_repeats_change_nothing(Owned(Local(tmp_path / "blobs"), rows), rows)
    rows.close()


def test_a_hole_is_named_and_other_bytes_are_refused(blobs: Blobs, rows: Rows) -> None:
    uploads = Uploads(blobs, rows)
    for start, content in cut():
        if start != 300_000:
            uploads.keep(NAME, start, content)
    with pytest.raises(Conflict, match="from 300000 on are missing"):
        uploads.finish(NAME, len(CONTENT))
    uploads.keep(NAME, 300_000, bytes(300_000))
    with pytest.raises(Invalid, match="not the bytes"):
        uploads.finish(NAME, len(CONTENT))
    assert uploads.received(NAME).parts == []
    for start, content in ((-1, b"x"), (0, b"")):
        with pytest.raises(Invalid):
            uploads.keep(NAME, start, content)
    with pytest.raises(Invalid):
        uploads.keep("../../etc/passwd", 0, b"x")
    with pytest.raises(TooLarge):
        uploads.keep(NAME, 0, bytes((64 << 20) + 1))


def test_projects_do_not_see_the_uploads_of_one_another(blobs: Blobs, rows: Rows) -> None:
    uploads = Uploads(blobs, rows)
    for start, content in cut():
        uploads.keep(NAME, start, content)
    with calling(Caller(actor="person:otto", project="b")):
        assert uploads.received(NAME).parts == []
        with pytest.raises(NotFound):
            uploads.finish(NAME, len(CONTENT))
    blob = uploads.finish(NAME, len(CONTENT))
    with calling(Caller(actor="person:otto", project="b")), pytest.raises(NotFound):
        blobs.open(blob.digest)


def test_what_is_never_finished_is_forgotten_and_a_project_has_its_share(blobs: Blobs, rows: Rows) -> None:
    Uploads(blobs, rows, kept_s=-10).keep(NAME, 0, b"old")
    Uploads(blobs, rows).keep("0" * 64, 0, b"new")
    assert Uploads(blobs, rows).received(NAME).parts == []
    small = Uploads(blobs, rows, waiting_max=1000)
    small.keep(NAME, 0, bytes(900))
    with pytest.raises(TooLarge, match="under way"):
        small.keep(NAME, 900, bytes(900))
    assert len(small.received(NAME).parts) == 1
    with calling(Caller(actor="person:otto", project="b")):
        small.keep(NAME, 900, bytes(900))


def test_what_goes_on_for_more_than_a_day_keeps_its_first_parts(blobs: Blobs, rows: Rows) -> None:
    uploads, numbered = Uploads(blobs, rows), Numbered(blobs, rows)
    other = numbered.begin()
    for number, (start, content) in enumerate(cut(), 1):
        uploads.keep(NAME, start, content)
        numbered.keep(other, number, [content])
        if number == 2:  # and the first is more than a day old now
            rows.write(lambda tx: tx.execute(update(part).where(part.c.start.in_((0, 1))).values(expires=0)))
    assert uploads.finish(NAME, len(CONTENT)) == numbered.finish(other, range(1, len(cut()) + 1)) == blobs.put(CONTENT)


_LARGE_MB = 300
_SCRIPT = f"""
import resource, sys
from pathlib import Path
from blake3 import blake3
from ostinato.kernel.caller import Caller, set_process_caller
from ostinato.storage.blobs.keys import Keys
from ostinato.storage.blobs.local import Local
from ostinato.storage.blobs.owned import Owned
from ostinato.storage.blobs.sealed import Sealed
from ostinato.storage.blobs.uploads import Uploads
from ostinato.storage.rows.rows import metadata
from ostinato.storage.rows.sqlite import Sqlite
set_process_caller(Caller(actor="person:ana"))
home = Path(sys.argv[1])
rows, files = Sqlite(home / "rows.db"), Local(home / "blobs")
rows.create(metadata)
blobs = Owned(Sealed(files, Keys(home / "blob-keys")) if sys.argv[2] == "sealed" else files, rows)
uploads = Uploads(blobs, rows)
def piece(i): return bytes([i % 251]) * (1 << 20)
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
blobs.open(blobs.put(bytes(9 << 20)).digest)
before = peak()
if sys.argv[3] == "put":
    blob = blobs.put(piece(i) for i in range({_LARGE_MB}))
else:
    hasher = blake3()
    for i in range({_LARGE_MB}):
        hasher.update(piece(i))
    for i in range(0, {_LARGE_MB}, 10):
        uploads.keep(hasher.hexdigest(), i << 20, b"".join(map(piece, range(i, i + 10))))
    blob = uploads.finish(hasher.hexdigest(), {_LARGE_MB} << 20)
assert blob.size == {_LARGE_MB} << 20
assert sum(map(len, blobs.stream(blob.digest))) == blob.size
print(peak() - before)
"""


@pytest.mark.parametrize(("kind", "how"), [("plain", "put"), ("sealed", "put"), ("plain", "parts")])
def test_300_mb_go_in_and_out_with_little_memory(tmp_path: Path, kind: str, how: str) -> None:
    command = [sys.executable, "-c", _SCRIPT, str(tmp_path), kind, how]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert int(run.stdout) < 48, f"{run.stdout} MB more than before"


def test_a_disk_without_room_keeps_nothing_half(tmp_path: Path) -> None:
    files = Local(tmp_path / "blobs")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            files.put(iter([os.urandom(200_000)]))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(files.all()) == []
    assert list((tmp_path / "blobs" / "arriving").iterdir()) == []
