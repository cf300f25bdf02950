"""One byte that changes by itself, anywhere: it is found or does no harm, and never gives another answer."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ostinato.app import Ostinato
from ostinato.kernel.errors import OstinatoError
from ostinato.kernel.ref import Ref
from ostinato.maintenance.backup import backup
from ostinato.maintenance.doctor import examine
from ostinato.maintenance.restore import restore
from ostinato.serving.plane.log import Log, read
from ostinato.storage.blobs.keys import Keys

pytestmark = pytest.mark.timeout(300)
SECRET = b"what is kept"


def flipped(path: Path, count: int, chance: random.Random, size: int | None = None) -> list[tuple[int, int]]:
    """Places of bytes, with the bits to flip there, among the first `size`."""
    size = size or path.stat().st_size
    return [(at, 1 << chance.randrange(8)) for at in sorted(chance.sample(range(size), min(count, size)))]


def flip(path: Path, at: int, bit: int) -> None:
    path.chmod(0o600)
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ bit]))


def check(path: Path, look: Callable[[], Any], count: int, chance: random.Random, *, refused: int, size: int | None = None) -> None:
    """Flip byte after byte; `look` gives what it gave, or an error of ours, at least `refused` times in a hundred."""
    sound, said = look(), 0
    flips = flipped(path, count, chance, size)
    for at, bit in flips:
        flip(path, at, bit)
        try:
            assert look() == sound, f"another answer, byte {at} bit {bit} of {path.name}"
        except OstinatoError:
            said += 1
        flip(path, at, bit)
    assert look() == sound
    assert said * 100 >= refused * len(flips), f"{said} of {len(flips)} were found"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OSTINATO_ENCRYPT", "1")
    data = tmp_path / "store"
    with Ostinato.open(data) as app:
        app.runs.start("flights", id="r1")
        app.runs.put_artifact("r1", "a", SECRET * 100)
        for number in range(20):
            app.ledger.comment(Ref("run", "r1"), f"comment {number}", str(number))
        app.ledger.seal()
    return data


def test_a_sealed_blob(store: Path, scale: float, chance: random.Random) -> None:
    with Ostinato.open(store) as app:
        digest = app.runs.artifacts("r1")[0].digest
    (path,) = (found for found in (store / "blobs").rglob("*") if found.is_file() and found.stat().st_size > len(SECRET) * 100)

    def look() -> bytes:
        with Ostinato.open(store) as app:
            return app.blobs.open(digest)

    check(path, look, round(60 * scale), chance, refused=100)


def test_the_keys(store: Path, scale: float, chance: random.Random) -> None:
    with Ostinato.open(store) as app:
        digest = app.runs.artifacts("r1")[0].digest

    def look() -> bytes:
        Keys(store / "blob-keys")
        with Ostinato.open(store) as app:
            return app.blobs.open(digest)

    check(store / "blob-keys", look, round(60 * scale), chance, refused=50)


def test_the_ledger_in_its_database(store: Path, scale: float, chance: random.Random) -> None:
    """What the ledger says is what was said, or its verification or the doctor complains."""

    def look() -> Any:
        with Ostinato.open(store) as app:
            said = [(event.seq, event.verb, str(event.subject), event.data) for event in app.ledger.events(limit=1000).items]
            told = app.ledger.verify()
        if not told.ok or not examine(store).ok:
            raise OstinatoError("found")
        return said

    database, sound = store / "ostinato.db", store.parent / "sound"
    shutil.copytree(store, sound)
    before = look()
    for at, bit in flipped(database, round(60 * scale), chance):
        shutil.rmtree(store)
        shutil.copytree(sound, store)
        flip(database, at, bit)
        try:
            assert look() == before, f"another history, byte {at} bit {bit}"
        except OstinatoError:
            continue


def test_a_backup(store: Path, tmp_path: Path, scale: float, chance: random.Random) -> None:
    backup(store, tmp_path / "copies")
    files = [path for path in (tmp_path / "copies").rglob("*") if path.is_file() and path.name != "blobs"]
    (manifest,) = (path for path in files if path.name.startswith("backup-"))
    count = round(20 * scale)

    def look() -> Any:
        shutil.rmtree(tmp_path / "again", ignore_errors=True)
        restore(manifest, tmp_path / "again")
        with Ostinato.open(tmp_path / "again") as app:
            return app.runs.artifact("r1", "a"), [event.id for event in app.ledger.events(limit=1000).items]

    check(manifest, look, count, chance, refused=90)
    for path in chance.sample([path for path in files if path != manifest and path.stat().st_size], 3):
        check(path, look, round(6 * scale), chance, refused=0)


def test_the_log_of_predictions(tmp_path: Path, scale: float, chance: random.Random) -> None:
    line = {"kind": "answer", "at": 1_356_998_400_000_000, "version": 1, "role": "stable", "status": "answered", "ms": 0.5}
    with closing(Log(tmp_path / "log")) as log:
        for number in range(1100):
            log.append(line | {"id": f"r{number}", "scores": [number / 7], "features": {"distance": [float(number)]}, "note": ""})
    (segment,) = (tmp_path / "log").glob("segment-*.parquet")

    def look() -> Any:
        try:
            return read(tmp_path / "log").to_pylist()
        except (ValueError, OSError) as error:  # what the doctor reports
            raise OstinatoError(str(error)) from error

    pages = segment.stat().st_size - 8 - int.from_bytes(segment.read_bytes()[-8:-4], "little")  # the footer has no checksum
    check(segment, look, round(150 * scale), chance, refused=90, size=pages)
