"""Backups in a bucket, and of stores whose blobs are in one: against a real S3 server over HTTP."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ostinato.app import Ostinato
from ostinato.kernel.errors import Conflict, Corrupt, Invalid, NotFound, Unavailable
from ostinato.maintenance.age import Identities, make
from ostinato.maintenance.backup import backup
from ostinato.maintenance.collect import collect
from ostinato.maintenance.doctor import examine
from ostinato.maintenance.prune import prune
from ostinato.maintenance.restore import restore
from ostinato.storage.blobs.local import Local
from ostinato.storage.blobs.s3 import S3
from ostinato.storage.objects.bucket import Bucket
from ostinato.testing.bucket import BucketServer

pytest.importorskip("obstore", reason="the extra s3 is not installed")
pytest.importorskip("moto.server", reason="moto[server] is not installed")


def objects(address: str) -> Bucket:
    return Bucket(address, setting="a test")


def test_a_backup_in_a_bucket_is_incremental_pruned_and_restored(filled: Ostinato, tmp_path: Path, bucket_url: str) -> None:
    data = filled.settings.data
    first = backup(data, bucket_url)
    assert first.ok
    assert first.manifest.startswith("s3://")
    assert backup(data, bucket_url).copied == 0
    with filled.run("more") as run:
        run.artifact("own.bin", os.urandom(30_000))
    last = backup(data, bucket_url)
    assert 30_000 < last.copied < last.size
    back = restore(bucket_url, tmp_path / "r")
    assert (back.events, back.blobs, back.manifest) == (last.events, last.blobs, last.manifest)
    assert examine(tmp_path / "r").complaints == []
    assert restore(first.manifest, tmp_path / "first").events == first.events
    assert len(prune(bucket_url, keep=1, apply=True).removed) == 2
    with pytest.raises(NotFound):
        restore(first.manifest, tmp_path / "gone")
    assert restore(bucket_url, tmp_path / "again").events == last.events
    assert [found.name for found in objects(bucket_url).all(".holding")] == [], "nobody holds it any more"


def test_damage_in_a_bucket_is_named(filled: Ostinato, tmp_path: Path, bucket_url: str) -> None:
    backup(filled.settings.data, bucket_url)
    place = objects(bucket_url)
    victim = next(found.name for found in place.all("blobs") if found.size > 100)
    content = b"".join(place.get(victim))
    place.put(victim, [b"!" + content[1:]])
    with pytest.raises(Corrupt, match=victim):
        restore(bucket_url, tmp_path / "r")
    place.delete(victim)
    with pytest.raises(Corrupt, match=f"missing.*{victim}"):
        restore(bucket_url, tmp_path / "r")
    assert backup(filled.settings.data, bucket_url).copied > 0
    assert restore(bucket_url, tmp_path / "r").ok


def test_encrypted_in_a_bucket(filled: Ostinato, tmp_path: Path, bucket_url: str) -> None:
    make(tmp_path / "identity")
    to = Identities(tmp_path / "identity").recipients
    made = backup(filled.settings.data, bucket_url, to=to)
    assert backup(filled.settings.data, bucket_url, to=to).copied == 0
    assert {found.name.split("/")[0] for found in objects(bucket_url).all() if "/" in found.name} == {"sealed"}
    assert restore(bucket_url, tmp_path / "r", identity=tmp_path / "identity").events == made.events


def test_who_adds_and_who_deletes_exclude_each_other(filled: Ostinato, bucket_url: str) -> None:
    backup(filled.settings.data, bucket_url)
    with objects(bucket_url).held(alone=False):
        backup(filled.settings.data, bucket_url)
        with pytest.raises(Conflict, match="somebody else"):
            prune(bucket_url, keep=1, apply=True)
    with objects(bucket_url).held(alone=True), pytest.raises(Conflict) as refused:
        backup(filled.settings.data, bucket_url)
    assert ".holding/alone-" in refused.value.hint
    prune(bucket_url, keep=1, apply=True)


def test_addresses_that_are_wrong_are_said(filled: Ostinato, tmp_path: Path, bucket_url: str, bucket_server: BucketServer) -> None:
    with pytest.raises(Invalid, match="no address of a bucket"):
        backup(filled.settings.data, "ftp://somewhere/else")
    with pytest.raises(Unavailable, match="does not exist"):
        backup(filled.settings.data, f"s3://nowhere?endpoint={bucket_server.url}")
    with pytest.raises(NotFound, match="no backup"):
        restore(bucket_url, tmp_path / "r")


def test_blobs_in_a_bucket_are_named_or_copied(
    tmp_path: Path, bucket_url: str, bucket_server: BucketServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "store"
    monkeypatch.setenv("OSTINATO_BLOBS_URL", bucket_url)
    with Ostinato.open(data) as app, app.run("here") as run:
        run.artifact("note.txt", b"in the bucket")

    def note(folder: Path) -> bytes:
        with Ostinato.open(folder) as app:
            return app.runs.artifact(app.runs.search("here").items[0].id, "note.txt")

    named = backup(data, tmp_path / "named")
    assert (named.ok, named.blobs, named.elsewhere > 0) == (True, 0, True)
    back = restore(tmp_path / "named", tmp_path / "same-bucket")
    assert (back.problems, note(tmp_path / "same-bucket")) == ([], b"in the bucket")

    copied = backup(data, tmp_path / "copied", with_bucket=True)
    assert (copied.ok, copied.blobs, copied.elsewhere) == (True, named.elsewhere, 0)

    monkeypatch.setenv("OSTINATO_BLOBS_URL", bucket_server.bucket())
    lacking = restore(tmp_path / "named", tmp_path / "wrong-bucket")
    assert len(lacking.problems) == named.elsewhere
    assert restore(tmp_path / "copied", tmp_path / "other-bucket").problems == []
    assert note(tmp_path / "other-bucket") == b"in the bucket"

    monkeypatch.delenv("OSTINATO_BLOBS_URL")
    assert "set OSTINATO_BLOBS_URL" in restore(tmp_path / "named", tmp_path / "no-bucket").problems[0]
    assert restore(tmp_path / "copied", tmp_path / "folder").problems == []
    assert (note(tmp_path / "folder"), len(list(Local(tmp_path / "folder" / "blobs").all()))) == (b"in the bucket", copied.blobs)


def test_what_a_bucket_has_lost_or_damaged_is_named(tmp_path: Path, bucket_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "store"
    monkeypatch.setenv("OSTINATO_BLOBS_URL", bucket_url)
    with Ostinato.open(data) as app, app.run("here") as run:
        run.artifact("a.txt", b"first")
        run.artifact("b.txt", b"second")
        run.flush()
        digests = {found.path: found.digest for found in app.runs.artifacts(run.id)}
    blobs = S3(bucket_url, spool=tmp_path)
    blobs.delete(digests["a.txt"])
    blobs.keep([b"damage"], lambda: digests["b.txt"])
    made = backup(data, tmp_path / "b", with_bucket=True)
    assert not made.ok
    assert len(made.problems) == 2
    assert f"the blob {digests['b.txt']} is damaged and not in the backup" in made.problems
    assert any(problem.startswith(f"the blob {digests['a.txt']} is missing (tracking_artifact.digest") for problem in made.problems)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Lets a collection take place so many hours later."""
    clock = time.time

    def at(hours: float) -> None:
        now = clock() + hours * 3600
        monkeypatch.setattr("ostinato.maintenance.collect.time.time", lambda: now)

    return at


@pytest.mark.parametrize("encrypt", ["0", "1"])
def test_what_nothing_names_is_put_aside_in_a_bucket_and_deleted_later(
    tmp_path: Path,
    bucket_url: str,
    monkeypatch: pytest.MonkeyPatch,
    later: Callable[[float], None],
    fill: Callable[[Ostinato], None],
    encrypt: str,
) -> None:
    monkeypatch.setenv("OSTINATO_BLOBS_URL", bucket_url)
    monkeypatch.setenv("OSTINATO_ENCRYPT", encrypt)
    data = tmp_path / "store"
    with Ostinato.open(data) as app:
        fill(app)
        wanted, named, unused = (app.models.upload(content) for content in (b"wanted again", b"named meanwhile", b"never registered"))
        shelf = S3(bucket_url, spool=tmp_path)
        before = {blob.digest for blob in shelf.all()}
        assert collect(data, apply=True).unused == [], "all of it is young"
        later(30)
        assert {blob.digest for blob in collect(data).unused} == {wanted, named, unused}
        assert {blob.digest for blob in collect(data, apply=True).unused} == {wanted, named, unused}
        assert {blob.digest for blob in shelf.leaving()} == {wanted, named, unused}
        assert {blob.digest for blob in shelf.all()} == before
        later(1)
        assert (collect(data, apply=True).aside, len(list(shelf.leaving()))) == ([], 3), "nothing goes for good at once"

        assert app.blobs.open(wanted) == b"wanted again"
        assert app.blobs.exists(wanted)
        with app.run("names it") as run:
            run.artifact("later.json", f'{{"see": "{named}"}}'.encode())
        later(30)
        found = collect(data, apply=True)
        assert [blob.digest for blob in found.aside] == [unused]
        assert {blob.digest for blob in shelf.leaving()} == {blob.digest for blob in found.unused} == {wanted}
        assert app.blobs.open(named) == b"named meanwhile"
        with pytest.raises(NotFound):
            app.blobs.open(unused)
        assert app.models.upload(b"never registered") == unused
        assert app.blobs.open(unused) == b"never registered"
        assert app.datasets.content("flights@1")
    assert examine(data).complaints == []


def test_a_collection_in_a_bucket_that_was_killed_loses_nothing(bucket_url: str, tmp_path: Path) -> None:
    shelf = S3(bucket_url, spool=tmp_path)
    digest = shelf.put(b"needed").digest
    place, aside = f"{digest[:2]}/{digest}", f"leaving/{digest}"
    place_of = objects(bucket_url)
    place_of.copy(place, aside)  # killed before the one place was emptied
    assert shelf.open(digest) == b"needed"
    place_of.delete(place)  # or after
    assert shelf.exists(digest)
    assert shelf.open(digest) == b"needed"
    assert list(shelf.leaving()) == []
    assert not shelf.forget(digest, time.time() - 3600), "it was stored just now"
    assert shelf.forget(digest, time.time() + 3600)
    assert shelf.put(b"needed").digest == digest
    shelf.drop(digest)
    assert shelf.open(digest, 1, 3) == b"eed"
    shelf.forget(digest, time.time() + 3600)
    shelf.delete(digest)
    assert not shelf.exists(digest)


def test_of_two_collections_in_a_bucket_one_waits(tmp_path: Path, bucket_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSTINATO_BLOBS_URL", bucket_url)
    Ostinato.open(tmp_path / "store").close()
    with S3(bucket_url, spool=tmp_path).held(alone=True), pytest.raises(Conflict, match="somebody else"):
        collect(tmp_path / "store", apply=True)
    assert collect(tmp_path / "store", apply=True).blobs == 0
