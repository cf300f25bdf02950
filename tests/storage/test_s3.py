"""Blobs in a bucket: the contract against a real S3 server over HTTP, and what is special to buckets."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from blake3 import blake3

from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import Invalid, Unavailable
from ostinato.kernel.settings import Settings
from ostinato.storage.blobs.blobs import Blob, Blobs
from ostinato.storage.blobs.chosen import blobs_of
from ostinato.storage.blobs.keys import Keys
from ostinato.storage.blobs.owned import Owned
from ostinato.storage.blobs.s3 import S3
from ostinato.storage.blobs.sealed import Sealed
from ostinato.storage.rows.rows import Rows
from ostinato.storage.tables.tables import Tables
from ostinato.testing.blobs import BlobsContract
from ostinato.testing.bucket import CREDENTIALS, BucketServer
from ostinato.testing.processes import free_port

obstore: Any = pytest.importorskip("obstore", reason="the extra s3 is not installed")
pytest.importorskip("moto.server", reason="moto[server] is not installed")

_LARGE_MB = 40


class TestS3(BlobsContract):
    @pytest.fixture
    def blobs(self, bucket_url: str, tmp_path: Path) -> Blobs:
        return S3(bucket_url, spool=tmp_path)

    def damage(self, blobs: Blobs, digest: str) -> None:
        assert isinstance(blobs, S3)
        content = b"".join(blobs.raw(digest))
        blobs.keep([b"!" + content[1:]], lambda: digest)


class TestSealedS3(BlobsContract):
    @pytest.fixture
    def blobs(self, bucket_url: str, tmp_path: Path) -> Blobs:
        return Sealed(S3(bucket_url, spool=tmp_path), Keys(tmp_path / "blob-keys"))

    def name_of(self, blobs: Blobs, content: bytes) -> Blob:
        return Blob(digest=blake3(content, key=self.keys.ring().address).hexdigest(), size=len(content))

    @pytest.fixture(autouse=True)
    def _shelf(self, bucket_url: str, tmp_path: Path) -> None:
        self.shelf, self.keys = S3(bucket_url, spool=tmp_path), Keys(tmp_path / "blob-keys")

    def damage(self, blobs: Blobs, digest: str) -> None:
        content = b"".join(self.shelf.raw(digest))
        self.shelf.keep([content[:-1] + bytes([content[-1] ^ 1])], lambda: digest)


def test_large_blobs_pass_in_parts_with_little_memory(bucket_url: str, tmp_path: Path) -> None:
    script = f"""
import resource, sys
from ostinato.storage.blobs.owned import Owned
from ostinato.storage.blobs.s3 import S3
blobs = S3(sys.argv[1], spool=sys.argv[2])
blobs.open(blobs.put(bytes(9 << 20)).digest)
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
before = peak()
blob = blobs.put(bytes([i]) * (1 << 20) for i in range({_LARGE_MB}))
assert blob.size == {_LARGE_MB} << 20
assert sum(map(len, blobs.stream(blob.digest))) == blob.size
print(peak() - before)
"""
    run = subprocess.run([sys.executable, "-c", script, bucket_url, str(tmp_path)], capture_output=True, text=True, check=True, timeout=120)
    assert int(run.stdout) < 24


def test_what_is_there_is_not_sent_again(bucket_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blobs = S3(bucket_url, spool=tmp_path)
    contents = [os.urandom(1 << 20), os.urandom(17 << 20)]  # in one piece, in three parts
    stored = [blobs.put(content) for content in contents]
    monkeypatch.setattr(blobs._objects, "_api", _NoPut())
    assert [blobs.put([content]) for content in contents] == stored
    assert list(tmp_path.iterdir()) == []


class _NoPut:
    def __getattr__(self, name: str) -> Any:
        assert name != "put", "sent again"
        return getattr(obstore, name)


def test_objects_lie_under_the_prefix_by_their_digest(bucket_url: str, tmp_path: Path) -> None:
    blob = S3(bucket_url, spool=tmp_path).put(b"content")
    bucket, endpoint = bucket_url.removeprefix("s3://").split("/")[0], bucket_url.partition("endpoint=")[2]
    store = obstore.store.S3Store(bucket, config={"endpoint": endpoint}, client_options={"allow_http": True})
    assert [entry["path"] for batch in obstore.list(store) for entry in batch] == [f"some/prefix/{blob.digest[:2]}/{blob.digest}"]


def test_tables_and_the_settings_reach_the_bucket(bucket_url: str, tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    settings = Settings.read(tmp_path, {"OSTINATO_BLOBS_URL": bucket_url})
    tables = Tables(blobs_of(settings), tmp_path / "cache")
    digest = tables.write(pa.table({"a": [1, 2, 3]})).digest
    assert tables.query("SELECT sum(a) AS s FROM t", t=digest).to_pylist() == [{"s": 6}]
    assert not (tmp_path / "blobs").exists()


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc",
        "s3://",
        "s3://b/p?acl=public",
        "s3://key:secret@b/p",
        "s3://b?endpoint=http://192.0.2.1:9000",
        "s3://b?endpoint=ftp://x",
    ],
)
def test_addresses_that_are_wrong_or_unsafe_are_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught:
        S3(url, spool=tmp_path)
    assert caught.value.hint
    assert "secret@" not in str(caught.value)


def test_the_endpoint_of_the_environment_is_judged_as_well(tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        S3("s3://b", spool=tmp_path, env={"AWS_ENDPOINT_URL": "http://192.0.2.1"})


def test_a_bucket_that_is_gone_is_unavailable(bucket_server: BucketServer, bucket_url: str, tmp_path: Path) -> None:
    blobs = S3(f"s3://no-such-bucket?endpoint={bucket_server.url}", spool=tmp_path)
    with pytest.raises(Unavailable) as caught:
        blobs.put(b"content")
    assert caught.value.hint
    with pytest.raises(Unavailable):
        blobs.put(bytes(1 << 20))
    with pytest.raises(Unavailable):
        blobs.open("0" * 64)


def test_a_server_that_does_not_answer_is_unavailable_and_no_blob_is_called_absent(bucket_url: str, tmp_path: Path) -> None:
    blobs = S3(f"s3://b?endpoint=http://127.0.0.1:{free_port()}", spool=tmp_path, patience_s=0.3)
    for act in (blobs.open, blobs.exists, blobs.delete):
        with pytest.raises(Unavailable) as caught:
            act("0" * 64)
        assert caught.value.hint
    with pytest.raises(Unavailable):
        blobs.put(bytes(1 << 20))
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_comes_back_is_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    blobs = S3(f"s3://bucket/x?endpoint={url}", spool=tmp_path, patience_s=0.5)
    with closing(BucketServer(port)):
        httpx.put(f"{url}/bucket", timeout=10).raise_for_status()
        blobs.put(b"before")
    for act in (lambda: blobs.put(b"while"), lambda: blobs.put(bytes(9 << 20)), lambda: blobs.open("0" * 64)):
        with pytest.raises(Unavailable) as caught:
            act()
        assert "network" in caught.value.hint
    with closing(BucketServer(port)):
        httpx.put(f"{url}/bucket", timeout=10).raise_for_status()
        large = os.urandom(17 << 20)
        assert [blobs.open(blobs.put(content).digest) for content in (b"after", large)] == [b"after", large]


def test_stores_in_one_bucket_with_prefixes_of_their_own_do_not_meet(bucket_url: str, tmp_path: Path) -> None:
    bucket, _, endpoint = bucket_url.partition("/some/prefix")
    one, other = (S3(f"{bucket}/{prefix}{endpoint}", spool=tmp_path) for prefix in ("team-a", "team-b"))
    digest = one.put(b"of one team").digest
    assert not other.exists(digest)
    other.delete(digest)
    assert one.open(digest) == b"of one team"
    assert [blob.digest for blob in one.all()] == [digest]
    assert list(other.all()) == []


def test_many_small_blobs_are_one_object(bucket_url: str, tmp_path: Path, rows: Rows) -> None:
    contents = [os.urandom(1 + i % 700) for i in range(2000)]
    bucket = S3(bucket_url, spool=tmp_path)
    for inner in (bucket, Sealed(bucket, Keys(tmp_path / "blob-keys"))):
        before = len(list(bucket.all()))
        with calling(Caller(actor="person:ana")):
            made = Owned(inner, rows).put_many(contents)
            assert len(list(bucket.all())) == before + 1
            blobs = Owned(inner, rows)
            assert [blobs.open(blob.digest) for blob in made[::50]] == contents[::50]
