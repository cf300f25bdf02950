"""Owned: the contract for one project, nothing for the others; and packs, also in encrypted stores and after kill -9."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import Corrupt, NotFound, OstinatoError
from ostinato.storage.blobs.blobs import Blob, Blobs, blob_of
from ostinato.storage.blobs.keys import Keys
from ostinato.storage.blobs.local import Local
from ostinato.storage.blobs.owned import Owned, packs
from ostinato.storage.blobs.s3 import S3
from ostinato.storage.blobs.sealed import Sealed
from ostinato.storage.rows.postgres import Postgres
from ostinato.storage.rows.rows import Rows, metadata
from ostinato.storage.tables.tables import Tables
from ostinato.testing.blobs import BlobsContract

ANA, OTTO = Caller(actor="person:ana", project="a"), Caller(actor="person:otto", project="b")


@pytest.fixture(autouse=True)
def _ana() -> Iterator[None]:
    with calling(ANA):
        yield


@pytest.fixture(params=["plain", "sealed"])
def inner(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    files = Local(tmp_path / "blobs")
    return files if request.param == "plain" else Sealed(files, Keys(tmp_path / "blob-keys"))


def flip(path: Path, at: int) -> None:
    path.chmod(0o600)
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def small(count: int, seed: int = 0) -> list[bytes]:
    chance = random.Random(seed)
    return [chance.randbytes(chance.randrange(1, 300)) for _ in range(count)]


class TestOwned(BlobsContract):
    @pytest.fixture
    def blobs(self, inner: Blobs, rows: Rows) -> Blobs:
        return Owned(inner, rows)

    def name_of(self, blobs: Blobs, content: bytes) -> Blob:
        assert isinstance(blobs, Owned)
        return blobs._name(content)

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "blobs"

    def damage(self, blobs: Blobs, digest: str) -> None:
        flip(self.folder / digest[:2] / digest, -20)


def outcome(call: object, *arguments: object) -> str:
    try:
        return repr(call(*arguments))  # type: ignore[operator]
    except OstinatoError as error:
        return f"{type(error).__name__}: {error.message} | {error.hint} | {error.detail()}"


def test_a_digest_of_another_project_is_answered_as_one_that_does_not_exist(inner: Blobs, rows: Rows, tmp_path: Path) -> None:
    blobs = Owned(inner, rows)
    tables = Tables(blobs, tmp_path / "cache")
    single, packed = blobs.put(b"mine").digest, blobs.put_many(small(3))[0].digest
    table = tables.write(pa.table({"a": [1]})).digest
    absent = blob_of(b"nobody has this").digest
    for known in (blobs, Owned(inner, rows)):  # the one remembers who stored what, the other asks
        with calling(OTTO):
            for digest in (single, packed, table):
                for act in (known.open, known.exists, known.stream, tables.read, lambda d: tables.query("FROM t", t=d)):
                    assert outcome(act, digest).replace(digest, "…") == outcome(act, absent).replace(absent, "…")
                known.delete(digest)
        assert known.open(single) == b"mine"
        assert known.exists(packed)


def test_who_shows_the_bytes_owns_them_too_and_one_end_is_not_the_end_of_the_other(inner: Blobs, rows: Rows) -> None:
    blobs = Owned(inner, rows)
    digest = blobs.put(b"shared").digest
    with calling(OTTO):
        assert blobs.put(b"shared").digest == digest
    blobs.delete(digest)
    assert not blobs.exists(digest)
    with calling(OTTO):
        assert Owned(inner, rows).open(digest) == b"shared"


class Counted:
    """Blobs that count how often they are asked for bytes."""

    def __init__(self, inner: Blobs) -> None:
        self.inner, self.asked = inner, 0

    def open(self, digest: str, start: int = 0, size: int | None = None) -> bytes:
        self.asked += 1
        return self.inner.open(digest, start, size)

    def __getattr__(self, name: str) -> Any:
        if name in ("path", "scratch"):
            raise AttributeError(name)
        return getattr(self.inner, name)


def check_a_pack_in_order(inner: Blobs, rows: Rows) -> None:
    contents = [bytes([i % 256]) * (1 + i * 37 % 20_000) for i in range(400)]
    made = [blob.digest for blob in Owned(inner, rows).put_many(contents)]
    counted: Any = Counted(inner)
    reader = Owned(counted, rows)
    assert [reader.open(digest) for digest in made] == contents
    assert counted.asked <= 2 + sum(map(len, contents)) // (1 << 20) + 1
    counted.asked, chance = 0, random.Random(0)
    order = [chance.randrange(400) for _ in range(60)]
    assert [reader.open(made[i]) for i in order] == [contents[i] for i in order]
    assert counted.asked <= 60


def test_a_pack_that_is_read_in_order_is_read_a_mebibyte_at_a_time(inner: Blobs, rows: Rows) -> None:
    check_a_pack_in_order(inner, rows)


def test_so_it_is_in_a_bucket(rows: Rows, bucket_url: str, tmp_path: Path) -> None:
    pytest.importorskip("obstore", reason="the extra s3 is not installed")
    check_a_pack_in_order(S3(bucket_url, spool=tmp_path), rows)


def test_many_small_blobs_lie_in_one_and_come_back_whole_and_in_part(inner: Blobs, rows: Rows, tmp_path: Path) -> None:
    contents = [*small(500), b"", b"x" * 200_000, bytes(2 << 20), *small(10)]
    before = len(list(Local(tmp_path / "blobs").all()))
    made = Owned(inner, rows).put_many(contents)
    assert len(list(Local(tmp_path / "blobs").all())) - before == 2, "one pack, and the large one by itself"
    blobs = Owned(inner, rows)
    for blob, content in zip(made, contents, strict=True):
        assert blob.size == len(content)
        assert blobs.exists(blob.digest)
        assert blobs.open(blob.digest) == content == b"".join(blobs.stream(blob.digest))
        assert blobs.open(blob.digest, 3, 10) == content[3:13]
    assert blobs.put_many(contents) == made
    assert len(list(Local(tmp_path / "blobs").all())) - before == 2, "a repeat stores nothing"
    assert blobs.put_many([]) == []


def test_the_same_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    rows, files = Postgres(postgres_url), Local(tmp_path / "blobs")
    rows.create(metadata)
    test_what_was_collected_can_be_stored_again_by_a_process_that_remembers_it(files, rows)
    test_a_digest_of_another_project_is_answered_as_one_that_does_not_exist(files, rows, tmp_path)
    rows.close()


def test_a_packed_table_is_read_like_any_other(inner: Blobs, rows: Rows, tmp_path: Path) -> None:
    source = Tables(Owned(Local(tmp_path / "elsewhere"), rows), tmp_path / "cache")
    content = Owned(Local(tmp_path / "elsewhere"), rows).open(source.write(pa.table({"a": [1, 2]})).digest)
    blobs = Owned(inner, rows)
    digest = blobs.put_many([b"first", content])[1].digest
    assert Tables(blobs, tmp_path / "cache").query("SELECT sum(a) AS s FROM t", t=digest).to_pylist() == [{"s": 3}]


def test_a_flipped_byte_harms_only_the_blob_that_it_is_in_and_a_repeat_mends_it(rows: Rows, tmp_path: Path) -> None:
    blobs, contents = Owned(Local(tmp_path / "blobs"), rows), small(50)
    made = blobs.put_many(contents)
    (pack,) = set(rows.read(packs).values())
    flip(tmp_path / "blobs" / pack[:2] / pack, 0)
    with pytest.raises(Corrupt):
        blobs.open(made[0].digest)
    assert [blobs.open(b.digest) for b in made[1:]] == contents[1:]
    blobs.put_many(contents)
    assert [blobs.open(b.digest) for b in made] == contents


def test_a_part_of_a_damaged_file_is_refused_also_where_it_is_whole(inner: Blobs, rows: Rows, tmp_path: Path) -> None:
    blobs, content = Owned(inner, rows), random.Random(1).randbytes(200_000)
    digest = blobs.put(content).digest
    assert blobs.open(digest, 150_000, 10) == content[150_000:150_010]
    flip(tmp_path / "blobs" / digest[:2] / digest, -20)
    with pytest.raises(Corrupt):
        blobs.open(digest, 199_000, 1000)


def test_what_was_collected_can_be_stored_again_by_a_process_that_remembers_it(inner: Blobs, rows: Rows) -> None:
    blobs = Owned(inner, rows)
    contents = small(5)
    made, single = blobs.put_many(contents), blobs.put(b"single")
    (pack,) = set(rows.read(packs).values())
    inner.delete(pack)
    inner.delete(single.digest)
    for digest in (single.digest, made[0].digest):
        assert not blobs.exists(digest)
        with pytest.raises(NotFound):
            blobs.open(digest)
    assert blobs.put_many(contents) == made
    assert blobs.put(b"single") == single
    known = Owned(inner, rows)
    assert [known.open(b.digest) for b in (*made, single)] == [*contents, b"single"]


def test_many_threads_pack_the_same(inner: Blobs, rows: Rows) -> None:
    blobs, contents = Owned(inner, rows), small(200)
    failed: list[Exception] = []

    def work(seed: int) -> None:
        mine = list(contents)
        random.Random(seed).shuffle(mine)
        try:
            with calling(ANA):
                assert [blobs.open(b.digest) for b in blobs.put_many(mine)] == mine
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


_KILLED = """
import sys
from ostinato.kernel.caller import Caller, set_process_caller
from ostinato.storage.blobs.local import Local
from ostinato.storage.blobs.owned import Owned
from ostinato.testing.rows import opened
set_process_caller(Caller(actor="person:ana", project="a"))
folder, place, turn = sys.argv[1:]
blobs = Owned(Local(folder), opened(place))
for i in range(10**6):
    made = blobs.put_many([b"%s %d %d" % (turn.encode(), i, j) * 20 for j in range(30)])
    print(i, *(b.digest for b in made), flush=True)
"""


@pytest.mark.parametrize("turn", range(4))
def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path, place: str, rows: Rows, turn: int) -> None:
    chance, command = random.Random(turn), [sys.executable, "-c", _KILLED, str(tmp_path / "blobs"), place, str(turn)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(chance.randrange(1, 40))]
        process.kill()
        said += process.stdout.readlines()
    blobs = Owned(Local(tmp_path / "blobs"), rows)
    whole = [line.split() for line in said if line.endswith("\n")]
    assert whole
    for number, *digests in whole:
        for j, digest in enumerate(digests):
            assert blobs.open(digest) == b"%d %d %d" % (turn, int(number), j) * 20
