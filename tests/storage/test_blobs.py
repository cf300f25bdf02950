"""Blobs: the contract on every member, and what is special to files."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from ostinato.kernel.errors import Corrupt
from ostinato.storage.blobs.blobs import Blobs, blob_of
from ostinato.storage.blobs.local import Local
from ostinato.testing.blobs import BlobsContract, Memory


class TestMemory(BlobsContract):
    @pytest.fixture
    def blobs(self) -> Blobs:
        return Memory()

    def damage(self, blobs: Blobs, digest: str) -> None:
        assert isinstance(blobs, Memory)
        blobs.kept[digest] = b"!" + blobs.kept[digest][1:]


class TestLocal(BlobsContract):
    @pytest.fixture
    def blobs(self, tmp_path: Path) -> Blobs:
        return Local(tmp_path / "blobs")

    def damage(self, blobs: Blobs, digest: str) -> None:
        assert isinstance(blobs, Local)
        damage(blobs.path(digest))


def damage(path: Path) -> None:
    path.chmod(0o600)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_lent_file_is_verified_again_once_it_changed(tmp_path: Path) -> None:
    blobs = Local(tmp_path)
    path = blobs.path(blobs.put(b"content").digest)
    assert path.read_bytes() == b"content"
    damage(path)
    with pytest.raises(Corrupt):
        blobs.path(path.name)


def test_files_are_read_only_and_nothing_else_is_left(tmp_path: Path) -> None:
    blobs = Local(tmp_path)
    digests = [blobs.put(f"{i % 5}".encode()).digest for i in range(20)]
    files = [f for f in tmp_path.rglob("*") if f.is_file()]
    assert sorted(f.name for f in files) == sorted(set(digests))
    assert all(f.stat().st_mode & 0o777 == 0o444 for f in files)


def test_what_a_killed_process_left_is_swept_after_a_day(tmp_path: Path) -> None:
    Local(tmp_path)
    old, young = tmp_path / "arriving" / "old", tmp_path / "arriving" / "young"
    old.write_bytes(b"half")
    young.write_bytes(b"half")
    os.utime(old, (0, 0))
    Local(tmp_path)
    assert not old.exists()
    assert young.exists()


def test_many_threads_may_store_the_same(tmp_path: Path) -> None:
    stores = [Local(tmp_path) for _ in range(4)]
    content = os.urandom(300_000)
    threads = [threading.Thread(target=store.put, args=([content],)) for store in stores * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Local(tmp_path).open(blob_of(content).digest) == content
