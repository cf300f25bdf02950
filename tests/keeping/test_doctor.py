"""Doctor: a sound store has no complaints; each planted fault is found, named, and comes with a way to mend it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from ostinato.app import Ostinato
from ostinato.keeping.doctor import examine
from ostinato.kernel.errors import NotFound

Damage = Callable[[Path], None]


def sql(data: Path, statement: str, database: str = "ostinato.db") -> None:
    with contextlib.closing(sqlite3.connect(data / database)) as connection, connection:
        connection.execute(statement)


def artifact(data: Path) -> Path:
    with contextlib.closing(sqlite3.connect(data / "ostinato.db")) as connection:
        (digest,) = connection.execute("SELECT artifact FROM registry_version").fetchone()
    return data / "blobs" / digest[:2] / digest


def endpoint(data: Path) -> Path:
    folder = data / "endpoints" / "default" / "late"
    (folder / "log").mkdir(parents=True)
    return folder


def torn_pages(data: Path, name: str, damage: Damage) -> None:
    """Damage a page in the middle of a database."""
    path = data / name
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(path.read_bytes())
    content[4096 : len(content) // 4096 * 4096] = os.urandom(len(content) // 4096 * 4096 - 4096)
    path.write_bytes(content)


def crashed_collection(data: Path) -> None:
    path = artifact(data)
    shutil.copy(path, data / "blobs" / "arriving" / f"leaving-{path.name}")


FAULTS: dict[str, tuple[Callable[[Path, Damage], object], str, str, str]] = {
    "open key": (lambda data, _: (data / "ledger-key").chmod(0o644), "files", "problem", "ledger-key is open to others"),
    "open token": (lambda data, _: (data / "admin-token").chmod(0o640), "files", "problem", "admin-token is open to others"),
    "open folder": (lambda data, _: data.chmod(0o755), "files", "warning", "look into the folder"),
    "crashed collection": (lambda data, _: crashed_collection(data), "files", "warning", "1 blobs lie aside"),
    "torn database": (lambda data, damage: torn_pages(data, "ostinato.db", damage), "databases", "problem", "ostinato.db is damaged"),
    "torn online store": (lambda data, damage: torn_pages(data, "online.db", damage), "databases", "problem", "online.db is damaged"),
    "no database": (lambda data, _: (data / "online.db").write_bytes(b"x" * 5000), "databases", "problem", "online.db is damaged"),
    "newer store": (lambda data, _: sql(data, "UPDATE store_revision SET revision = 999"), "databases", "problem", "revision 999"),
    "missing blob": (lambda data, _: artifact(data).unlink(), "references", "problem", "registry_version.artifact name it"),
    "missing output": (
        lambda data, _: sql(data, f"""INSERT INTO pipeline_memo VALUES ('default', x'00', '{{"$table":"{"ab" * 32}"}}', 's')"""),
        "references",
        "problem",
        "pipeline_memo.output name it",
    ),
    "damaged blob": (lambda data, damage: damage(artifact(data)), "blobs", "problem", "is damaged"),
    "edited event": (
        lambda data, _: sql(data, "UPDATE ledger_event SET actor = 'person:eve' WHERE seq = 1"),
        "ledger",
        "problem",
        "event 1",
    ),
    "lost key": (lambda data, _: (data / "ledger-key").unlink(), "ledger", "problem", "ledger-key is missing"),
    "killed server": (
        lambda data, _: (data / "server.json").write_text(json.dumps({"pid": 4242, "url": "http://127.0.0.1:1"})),
        "server",
        "warning",
        "process 4242",
    ),
    "damaged plan": (
        lambda data, _: (endpoint(data) / "plan.json").write_text("{"),
        "endpoints",
        "problem",
        "plan of the endpoint default/late",
    ),
    "damaged segment": (
        lambda data, _: (endpoint(data) / "log" / "segment-000001.parquet").write_bytes(b"PAR1 and no more"),
        "logs",
        "problem",
        "segment-000001.parquet cannot be read",
    ),
    "damaged lines": (
        lambda data, _: (endpoint(data) / "log" / "wal-000001.jsonl").write_bytes(b'{"id": \n'),
        "logs",
        "problem",
        "wal-000001.jsonl cannot be read",
    ),
}


def test_a_sound_store_has_no_complaints(filled: Ostinato) -> None:
    found = examine(filled.settings.data)
    assert (found.ok, found.complaints) == (True, [])
    assert set(found.checks) >= {check for _, check, _, _ in FAULTS.values()}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_found_and_has_its_remedy(filled: Ostinato, damage: Damage, fault: str) -> None:
    plant, check, level, what = FAULTS[fault]
    filled.close()
    plant(filled.settings.data, damage)
    found = examine(filled.settings.data)
    named = [c for c in found.complaints if c.check == check and what in c.what]
    assert named, found.complaints
    assert named[0].level == level
    assert named[0].mend
    assert found.ok == (level == "warning")


def test_quick_reads_no_blob_and_no_log(filled: Ostinato, damage: Damage) -> None:
    damage(artifact(filled.settings.data))
    (endpoint(filled.settings.data) / "log" / "wal-000001.jsonl").write_bytes(b'{"id": \n')
    assert examine(filled.settings.data, quick=True).ok
    assert len(examine(filled.settings.data).complaints) == 2


def test_a_full_disk_is_told(filled: Ostinato, monkeypatch: pytest.MonkeyPatch) -> None:
    for free, level in ((10 << 20, "problem"), (500 << 20, "warning")):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: shutil._ntuple_diskusage(1 << 40, 0, free))  # type: ignore[attr-defined]
        assert [(c.check, c.level) for c in examine(filled.settings.data).complaints] == [("disk", level)]


def test_there_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no store"):
        examine(tmp_path)
