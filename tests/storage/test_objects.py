"""Named bytes in a folder and in a bucket: one contract, and what is special to each."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ostinato.storage.objects.bucket import Bucket
from ostinato.storage.objects.folder import Folder
from ostinato.storage.objects.objects import Objects
from ostinato.testing.bucket import CREDENTIALS, BucketServer
from ostinato.testing.objects import ObjectsContract


@pytest.fixture(scope="module")
def server() -> Iterator[BucketServer]:
    pytest.importorskip("obstore", reason="the extra s3 is not installed")
    pytest.importorskip("moto.server", reason="moto[server] is not installed")
    started = BucketServer()
    yield started
    started.close()


class TestFolder(ObjectsContract):
    @pytest.fixture
    def objects(self, tmp_path: Path) -> Objects:
        return Folder(tmp_path / "objects")


class TestBucket(ObjectsContract):
    @pytest.fixture
    def objects(self, server: BucketServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Objects:
        for name, value in CREDENTIALS.items():
            monkeypatch.setenv(name, value)
        return Bucket(server.bucket(), setting="a test", spool=tmp_path)


def test_a_file_is_for_its_owner_and_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "objects")
    folder.put("a/x", [b"x"])
    assert (tmp_path / "objects" / "a" / "x").stat().st_mode & 0o777 == 0o400
    assert (tmp_path / "objects").stat().st_mode & 0o077 == 0
    old, new = (tmp_path / "objects" / ".arriving" / name for name in ("old", "new"))
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 90_000,) * 2)
    with folder.held(alone=True):
        pass
    assert (old.exists(), new.exists()) == (False, True)
    assert [found.name for found in folder.all()] == ["a/x"]
