"""A disk that fails in the middle of any verb, that cannot flush, and that is full."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from ostinato.app import Ostinato
from ostinato.kernel.errors import Exhausted, OstinatoError, Unavailable
from ostinato.testing.doors import served

pytestmark = pytest.mark.timeout(300)
VERBS = [
    "rows.write", "blobs.put", "series.append", "spans.put", "artifact.put", "ledger.append", "ledger.seal", "backup",
    "predictions.append", "predictions.roll",
]  # fmt: skip


@pytest.mark.parametrize("verb", VERBS)
def test_whichever_call_fails_a_verb_is_done_or_not_begun(
    verb: str, on_failing_disk: Callable[..., str], tmp_path: Path, scale: float, chance: random.Random
) -> None:
    told = on_failing_disk("verbs.py", verb, tmp_path, scale, chance.random())
    assert told.count(f"{verb} write") == 3


def test_a_commit_that_cannot_be_flushed_is_unknown_and_its_repeat_is_not_doubled(
    on_failing_disk: Callable[..., str], tmp_path: Path
) -> None:
    told = on_failing_disk("verbs.py", "unknown", tmp_path)
    assert "whether that write is stored is unknown | stored" in told, told


def fill(path: Path) -> None:
    """Take what room is left, to the last page."""
    for size in (1 << 20, 4096):
        try:
            with path.open("ab", buffering=0) as file:
                while file.write(bytes(size)):
                    pass
        except OSError:
            continue


def test_a_full_disk_refuses_what_it_cannot_keep_and_goes_on_when_there_is_room(small_disk: Path) -> None:
    with Ostinato.open(small_disk / "store") as app, served(app) as url:
        head = {"authorization": f"Bearer {(app.settings.data / 'admin-token').read_text().strip()}"}
        with httpx.Client(base_url=f"{url}/api/v1", headers=head, timeout=30) as web:
            run = web.post("/runs", json={"experiment": "flights", "id": "01JH0000000000000000000001"}).raise_for_status().json()
            content = bytes(range(256)) * 800
            web.put(f"/runs/{run['id']}/artifacts/a.bin", content=content, headers={"content-type": "application/octet-stream"})
            fill(small_disk / "filler")
            refused = [
                web.post("/runs", json={"experiment": "flights", "id": f"01JH00000000000000000001{n:02}", "params": {"note": "x" * 9000}})
                for n in range(30)
            ]
            refused.append(web.put(f"/runs/{run['id']}/artifacts/b.bin", content=content[::-1]))
            codes = [reply.status_code for reply in refused]
            kept = [reply.json()["id"] for reply in refused[:-1] if reply.status_code < 300]
            assert set(codes) - {200, 201} == {507}, [reply.text for reply in refused]
            for reply in refused:
                if reply.status_code == 507:
                    assert reply.json()["error"]["hint"]
                    assert "Traceback" not in reply.text
            assert sorted(one["id"] for one in web.get("/runs").json()["items"]) == sorted([run["id"], *kept]), "reading goes on"
            assert web.get(f"/runs/{run['id']}/artifacts/a.bin").content == content
            (small_disk / "filler").unlink()
            assert web.put(f"/runs/{run['id']}/artifacts/b.bin", content=content[::-1]).status_code < 300, "without a restart"
            assert web.post("/runs", json={"experiment": "flights", "id": "01JH0000000000000000000002"}).status_code < 300
            assert web.get(f"/runs/{run['id']}/artifacts/b.bin").content == content[::-1]
        assert app.ledger.verify().ok
        assert len(app.runs.search(limit=100).items) == len(kept) + 2 == len(app.ledger.events(verb="run.started").items)


def test_a_store_on_a_full_disk_says_so_when_it_is_opened(small_disk: Path) -> None:
    data = small_disk / "store"
    Ostinato.open(data).close()
    fill(small_disk / "filler")
    with pytest.raises((Exhausted, Unavailable), match="the disk") as refused:  # SQLite itself may call it an error of input or output
        Ostinato.open(data)
    assert refused.value.hint
    (small_disk / "filler").unlink()
    Ostinato.open(data).close()


def test_a_new_store_on_a_full_disk_is_refused_in_our_words_and_made_once_there_is_room(small_disk: Path) -> None:
    data, filler, refused = small_disk / "store", small_disk / "filler", list[OstinatoError]()
    for room in (0, 8, 40, 100, 200, 400, 800):  # KiB: it ends at another place each time, on what the time before has left
        fill(filler)
        with filler.open("ab") as file:
            file.truncate(filler.stat().st_size - (room << 10))
        try:
            Ostinato.open(data).close()
        except OstinatoError as error:
            refused.append(error)
    assert {type(error.__cause__) for error in refused} >= {OSError, sqlite3.OperationalError}, "of a file of ours, and of the database"
    for error in refused:
        assert isinstance(error, Exhausted | Unavailable)
        assert "disk" in error.message + error.hint
        assert str(small_disk) in error.hint
    filler.unlink()
    with Ostinato.open(data) as app:
        assert app.access.admit((data / "admin-token").read_text().strip(), "default").credential.actor == "person:admin"
        app.runs.start("flights")
        assert app.ledger.verify().ok
        assert not [path.name for path in data.iterdir() if path.name.startswith(".")], "nothing half is left"
