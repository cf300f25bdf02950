"""Encrypted blobs: the contract, what an attacker of the folder finds, and rotation."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from blake3 import blake3

from ostinato.app import Ostinato
from ostinato.cli.main import main
from ostinato.kernel.errors import Corrupt, Invalid, NotFound
from ostinato.kernel.settings import Settings
from ostinato.storage.blobs.blobs import Blob, Blobs, blob_of
from ostinato.storage.blobs.chosen import blobs_of
from ostinato.storage.blobs.keys import KEY_FILE, Keys, rotate
from ostinato.storage.blobs.local import Local
from ostinato.storage.blobs.sealed import HEADER, SEGMENT, TAG, Sealed
from ostinato.storage.tables.tables import Tables
from ostinato.testing.blobs import BlobsContract

SECRET = b"the patient's name is Ada Lovelace, and this is 64 bytes of text"
STEP = SEGMENT + TAG


def opened(data: Path) -> Sealed:
    found = blobs_of(Settings.read(data, {"OSTINATO_ENCRYPT": "1"}))
    assert isinstance(found, Sealed)
    return found


def stored(data: Path, digest: str) -> Path:
    return data / "blobs" / digest[:2] / digest


def spoil(path: Path, change: Callable[[bytes], bytes]) -> None:
    content = path.read_bytes()
    assert change(content) != content
    path.chmod(0o600)
    path.write_bytes(change(content))


class TestSealed(BlobsContract):
    @pytest.fixture
    def blobs(self, tmp_path: Path) -> Blobs:
        self.data = tmp_path
        return opened(tmp_path)

    def name_of(self, blobs: Blobs, content: bytes) -> Blob:
        return Blob(digest=blake3(content, key=Keys(self.data / KEY_FILE).ring().address).hexdigest(), size=len(content))

    def damage(self, blobs: Blobs, digest: str) -> None:
        spoil(stored(self.data, digest), lambda c: c[:-1] + bytes([c[-1] ^ 1]))


@pytest.mark.parametrize("size", [0, 1, SEGMENT - 1, SEGMENT, SEGMENT + 1, 3 * SEGMENT])
def test_every_length_comes_back(tmp_path: Path, size: int) -> None:
    blobs, content = opened(tmp_path), os.urandom(size)
    blob = blobs.put(content)
    assert blob.size == size
    assert blobs.open(blob.digest) == content
    assert stored(tmp_path, blob.digest).stat().st_size == HEADER + size + max(1, -(-size // SEGMENT)) * TAG


def test_plain_text_is_nowhere_in_the_folder(tmp_path: Path) -> None:
    blobs, tables = opened(tmp_path), Tables(opened(tmp_path), tmp_path / "cache")
    blob = blobs.put([SECRET] * 5000)
    table = tables.write(pa.table({"name": [SECRET.decode()] * 10}))
    assert tables.query("SELECT name FROM t LIMIT 1", t=table.digest).to_pylist() == [{"name": SECRET.decode()}]
    assert tables.read(table.digest).num_rows == 10
    assert blobs.open(blob.digest) == SECRET * 5000
    found = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(found) >= 3
    for path in found:
        assert SECRET not in path.read_bytes()
        assert b"PAR1" not in path.read_bytes()
    assert blob.digest != blob_of(SECRET * 5000).digest, "an address must not tell what is in a blob"


def test_equal_content_is_stored_once_and_differs_between_stores(tmp_path: Path) -> None:
    one, other = opened(tmp_path / "one"), opened(tmp_path / "other")
    first = one.put(SECRET)
    before = stored(tmp_path / "one", first.digest).read_bytes()
    assert one.put(SECRET) == first
    assert stored(tmp_path / "one", first.digest).read_bytes() == before
    assert other.put(SECRET).digest != first.digest


TAMPERING: dict[str, Callable[[bytes], bytes]] = {
    "a bit flipped in the magic": lambda c: bytes([c[0] ^ 1]) + c[1:],
    "a bit flipped in the kid": lambda c: c[:9] + bytes([c[9] ^ 1]) + c[10:],
    "a bit flipped in the wrapped key": lambda c: c[:40] + bytes([c[40] ^ 1]) + c[41:],
    "a bit flipped in the prefix": lambda c: c[: HEADER - 1] + bytes([c[HEADER - 1] ^ 1]) + c[HEADER:],
    "a bit flipped in a segment": lambda c: c[: HEADER + 5] + bytes([c[HEADER + 5] ^ 1]) + c[HEADER + 6 :],
    "a bit flipped in the last tag": lambda c: c[:-1] + bytes([c[-1] ^ 1]),
    "cut inside a segment": lambda c: c[:-100],
    "cut between segments": lambda c: c[: HEADER + 2 * STEP],
    "cut after the header": lambda c: c[:HEADER],
    "cut in the header": lambda c: c[: HEADER - 3],
    "emptied": lambda c: b"",
    "two segments swapped": lambda c: (
        c[:HEADER] + c[HEADER + STEP : HEADER + 2 * STEP] + c[HEADER : HEADER + STEP] + c[HEADER + 2 * STEP :]
    ),
    "a segment left out": lambda c: c[:HEADER] + c[HEADER + STEP :],
    "a segment repeated": lambda c: c[: HEADER + STEP] + c[HEADER:],
    "something appended": lambda c: c + b"!",
}


@pytest.mark.parametrize("change", TAMPERING.values(), ids=TAMPERING.keys())
def test_tampering_is_refused(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    blobs = opened(tmp_path)
    blob = blobs.put(os.urandom(2 * SEGMENT + 500))
    spoil(stored(tmp_path, blob.digest), change)
    with pytest.raises(Corrupt) as caught:
        blobs.open(blob.digest)
    assert caught.value.hint


def test_a_blob_under_the_name_of_another_is_refused(tmp_path: Path) -> None:
    blobs = opened(tmp_path)
    one, other = blobs.put(b"yes"), blobs.put(b"no!")
    spoil(stored(tmp_path, one.digest), lambda _: stored(tmp_path, other.digest).read_bytes())
    with pytest.raises(Corrupt):
        blobs.open(one.digest)


def test_rotation_keeps_old_data_readable_also_in_open_stores(tmp_path: Path) -> None:
    before = opened(tmp_path)
    old = before.put(SECRET)
    kid = rotate(tmp_path)
    new = before.put(SECRET + b"2")
    assert stored(tmp_path, new.digest).read_bytes()[8:16].hex() == kid
    assert stored(tmp_path, old.digest).read_bytes()[8:16].hex() != kid
    for blobs in (before, opened(tmp_path)):
        assert blobs.open(old.digest) == SECRET
        assert blobs.open(new.digest) == SECRET + b"2"
        assert blobs.put(SECRET) == old, "the address does not change with the key"


def test_rotations_at_once_lose_no_key(tmp_path: Path) -> None:
    opened(tmp_path)
    threads = [threading.Thread(target=rotate, args=(tmp_path,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(Keys(tmp_path / KEY_FILE).ring().masters) == 9


def test_the_key_file_is_for_its_owner_and_keys_are_not_shown(tmp_path: Path) -> None:
    opened(tmp_path)
    rotate(tmp_path)
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600
    ring = Keys(tmp_path / KEY_FILE).ring()
    assert ring.masters[ring.current].hex() not in repr(ring)
    assert repr(ring.address) not in repr(ring)


def test_without_its_key_a_blob_is_refused_and_the_hint_names_the_file(tmp_path: Path) -> None:
    blob = opened(tmp_path).put(SECRET)
    (tmp_path / KEY_FILE).unlink()
    with pytest.raises(Corrupt) as caught:
        opened(tmp_path).open(blob.digest)
    assert KEY_FILE in caught.value.hint
    (tmp_path / KEY_FILE).write_text("{}")
    with pytest.raises(Corrupt):
        opened(tmp_path)


def test_a_store_remembers_that_it_is_encrypted_and_reads_what_is_older(tmp_path: Path) -> None:
    plain = blobs_of(Settings.read(tmp_path, {}))
    assert isinstance(plain, Local)
    older = [plain.put(content) for content in (b"", b"older", bytes(3 << 20))]
    blob = opened(tmp_path).put(SECRET)
    again = blobs_of(Settings.read(tmp_path, {}))
    assert again.open(blob.digest) == SECRET
    assert [len(again.open(old.digest)) for old in older] == [0, 5, 3 << 20]
    spoil(stored(tmp_path, older[1].digest), lambda _: b"forged")
    with pytest.raises(Corrupt):
        again.open(older[1].digest)


def test_a_whole_app_on_encrypted_blobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSTINATO_ENCRYPT", "1")
    with Ostinato.open(tmp_path) as app:
        with app.run("secrets") as run:
            run.artifact("note.txt", SECRET)
        assert app.runs.artifact(app.runs.search().items[0].id, "note.txt") == SECRET
    assert not any(SECRET in path.read_bytes() for path in (tmp_path / "blobs").rglob("*") if path.is_file())


def test_settings_that_say_neither_and_stores_without_keys(tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        blobs_of(Settings.read(tmp_path, {"OSTINATO_ENCRYPT": "2"}))
    with pytest.raises(NotFound):
        rotate(tmp_path)


def test_the_command_rotates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    opened(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["rotate-keys", "--data", str(tmp_path)])
    assert ended.value.code == 0
    assert capsys.readouterr().out.strip() == Keys(tmp_path / KEY_FILE).ring().current.hex()
