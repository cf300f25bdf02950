"""Keeping an encrypted store: blobs stay sealed in a backup, come back, and are followed by a collection."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from ostinato.app import Ostinato
from ostinato.maintenance.backup import backup
from ostinato.maintenance.collect import collect
from ostinato.maintenance.doctor import examine
from ostinato.maintenance.restore import restore

SECRET = b"the patient's name is Ada Lovelace, and this is 64 bytes of text"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OSTINATO_ENCRYPT", "1")
    return tmp_path / "store"


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_backup_keeps_blobs_sealed_and_restores_them(data: Path, tmp_path: Path) -> None:
    with Ostinato.open(data) as app:
        digest = app.blobs.put(SECRET).digest
    made = backup(data, tmp_path / "copies")
    assert made.ok, made.problems
    assert not any(SECRET in path.read_bytes() for path in files(tmp_path / "copies"))
    restore(tmp_path / "copies", tmp_path / "again")
    with Ostinato.open(tmp_path / "again") as app:
        assert app.blobs.open(digest) == SECRET
    assert examine(tmp_path / "again").ok


def test_damage_to_a_sealed_blob_is_found(data: Path, tmp_path: Path) -> None:
    with Ostinato.open(data) as app:
        digest = app.blobs.put(SECRET).digest
    assert examine(data).ok
    path = data / "blobs" / digest[:2] / digest
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1])
    assert not examine(data).ok
    assert not backup(data, tmp_path / "copies").ok


def test_a_collection_follows_names_within_sealed_blobs(data: Path) -> None:
    with Ostinato.open(data) as app:
        inner, unused = app.blobs.put(SECRET).digest, app.blobs.put(b"unused").digest
        with app.run("keeping") as run:
            run.artifact("list.json", json.dumps([inner]).encode())
    for path in files(data / "blobs"):
        os.utime(path, (time.time() - 10 * 86_400,) * 2)
    assert unused in [blob.digest for blob in collect(data, apply=True).unused]
    with Ostinato.open(data) as app:
        assert app.blobs.open(inner) == SECRET
        assert not app.blobs.exists(unused)
