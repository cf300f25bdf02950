"""Collection: exactly what nothing refers to goes, whatever the graph; what is wanted meanwhile stays."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostinato.app import Ostinato
from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import Conflict, Corrupt, Invalid, NotFound
from ostinato.maintenance.collect import Collection, collect
from ostinato.maintenance.database import looked_at
from ostinato.maintenance.doctor import examine
from ostinato.maintenance.files import held
from ostinato.maintenance.references import OWNERS, Packs, declared, named, packs
from ostinato.storage.blobs.blobs import blob_of
from ostinato.storage.blobs.local import Local
from ostinato.storage.blobs.owned import Owned, repack
from ostinato.storage.rows import file

DAY_S = 86_400.0


def age(data: Path, digest: str, hours: float) -> None:
    """Let a blob be unused for so long."""
    path, then = data / "blobs" / digest[:2] / digest, time.time() - hours * 3600
    os.utime(path, (then, then))


def rows(data: Path, cells: list[str | bytes]) -> None:
    with contextlib.closing(sqlite3.connect(data / "ostinato.db")) as database, database:
        database.execute("CREATE TABLE anything (cell)")
        database.executemany("INSERT INTO anything VALUES (?)", [(cell,) for cell in cells])


WAYS: list[Callable[[str], str | bytes]] = [
    lambda digest: digest,
    lambda digest: json.dumps({"nested": [{"$table": digest}]}),
    lambda digest: b"\x85\xa4body\xd9\x40" + digest.encode() + b"\xc0",
    lambda digest: f"abc{digest}0123",  # within a longer run of hexadecimal digits
    lambda digest: f"{'f' * 64}{digest}",
]


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[list[int]], list[int], list[bool], list[int]]:
    """Nodes, each naming some of those before it; the ways in which rows name some (-1: none); which are old; padding of each."""
    count = draw(st.integers(1, 9))
    edges = [draw(st.lists(st.integers(0, node - 1), max_size=3, unique=True)) if node else [] for node in range(count)]
    ways = draw(st.lists(st.sampled_from([-1, -1, *range(len(WAYS))]), min_size=count, max_size=count))
    old = draw(st.lists(st.sampled_from([True, True, False]), min_size=count, max_size=count))
    padding = draw(st.lists(st.sampled_from([0, 0, 0, 0, (1 << 20) - 30]), min_size=count, max_size=count))  # a digest across two pieces
    return edges, ways, old, padding


@settings(max_examples=30, deadline=None)
@given(graphs())
def test_exactly_what_no_row_and_no_staying_blob_names_is_deleted(graph: tuple[list[list[int]], list[int], list[bool], list[int]]) -> None:
    edges, ways, old, padding = graph
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        blobs, digests = Local(data / "blobs"), list[str]()
        for node, named in enumerate(edges):
            content = f"{'.' * padding[node]}{node} {' '.join(digests[n] for n in named)}"
            digests.append(blobs.put(content.encode()).digest)
        rows(data, [WAYS[way](digest) for way, digest in zip(ways, digests, strict=True) if way >= 0])
        for digest, is_old in zip(digests, old, strict=True):
            age(data, digest, 30 if is_old else 1.5)
        stays = {node for node in range(len(edges)) if ways[node] >= 0 or not old[node]}
        for node in reversed(range(len(edges))):
            stays |= set(edges[node]) if node in stays else set()

        planned = collect(data)
        assert len(list(blobs.all())) == len(digests), "a dry run deletes nothing"
        done = collect(data, apply=True)
        assert {b.digest for b in planned.unused} == {b.digest for b in done.unused} == set(digests) - {digests[node] for node in stays}
        assert {b.digest for b in blobs.all()} == {digests[node] for node in stays}
        assert (done.blobs, done.size) == (len(digests), sum(b.size for b in done.unused))
        assert collect(data, apply=True).unused == []


@pytest.mark.parametrize("database_url", ["sqlite", "postgres"], indirect=True)
def test_nothing_that_a_used_store_needs_is_collected(filled: Ostinato) -> None:
    data = filled.settings.data
    orphan = filled.models.upload(b"uploaded, never registered")
    before = {blob.digest for blob in Local(data / "blobs").all()}
    for digest in before:
        age(data, digest, 48)
    with looked_at(filled.settings) as rows:
        needed = {digest for digest, _ in declared(rows)}
    assert len(needed) >= 5
    assert [blob.digest for blob in collect(data, apply=True).unused] == [orphan]
    assert {blob.digest for blob in Local(data / "blobs").all()} == before - {orphan} >= needed
    assert filled.datasets.content("flights@1")
    assert filled.runs.artifact(filled.runs.search("first").items[0].id, "notes.md") == b"It went well."


@pytest.mark.parametrize("database_url", ["sqlite", "postgres"], indirect=True)
def test_every_column_that_names_a_blob_says_so(filled: Ostinato) -> None:
    """What the doctor looks for is all that a store needs: only what was quarantined or mentioned in passing is named elsewhere."""
    data = filled.settings.data
    blobs = Local(data / "blobs")
    stored = {blob.digest for blob in blobs.all()}
    with looked_at(filled.settings) as rows:
        found = named(stored, stored, file.cells(rows, but=(OWNERS,)), packs(rows), blobs)
        assert found & stored == {digest for digest, _ in declared(rows)}


def test_a_pack_stays_as_long_as_anything_in_it_is_named(filled: Ostinato) -> None:
    data, blobs = filled.settings.data, filled.blobs
    assert isinstance(blobs, Owned)
    table_like, named, unnamed_one = blobs.put_many([b"PAR1 first in its pack", b"named", b"not named"])
    inner = blobs.put(b"named by the pack alone").digest
    naming = blobs.put_many([b"PAR1 and so on", f"see {inner}".encode()])[1]
    other = blobs.put_many([b"in a pack", b"of which nothing is named"])
    with filled.run("packs") as run:
        run.artifact("names.json", json.dumps([named.digest, naming.digest]).encode())
    for blob in Local(data / "blobs").all():
        age(data, blob.digest, 48)
    gone = {blob.digest for blob in collect(data, apply=True).unused}
    assert len(gone) == 1, "the other pack"
    assert [blobs.open(blob.digest) for blob in (table_like, named, unnamed_one)] == [b"PAR1 first in its pack", b"named", b"not named"]
    assert blobs.open(inner) == b"named by the pack alone"
    with pytest.raises(NotFound):
        blobs.open(other[0].digest)
    assert examine(data).complaints == []
    assert blobs.put_many([b"in a pack", b"of which nothing is named"]) == other
    assert blobs.open(other[1].digest) == b"of which nothing is named"


@pytest.mark.parametrize("database_url", ["sqlite", "postgres"], indirect=True)
def test_what_is_needed_of_a_pack_moves_to_a_new_one_and_the_old_one_goes(filled: Ostinato) -> None:
    data, blobs = filled.settings.data, filled.blobs
    assert isinstance(blobs, Owned)
    contents = [bytes([i]) * 5000 for i in range(40)]
    made = blobs.put_many(contents)
    shared = Caller(actor="person:otto", project="other")
    with calling(shared):
        assert blobs.put_many(contents[:2])[0] == made[0]

    def packed() -> Packs:
        with looked_at(filled.settings) as rows:
            return packs(rows)

    before = packed()
    (pack,) = before[made[5].digest]
    with filled.run("packs") as run:
        run.artifact("names.json", json.dumps([blob.digest for blob in made[::4]]).encode())

    def aged(*, apply: bool = True) -> Collection:
        for blob in Local(data / "blobs").all():
            age(data, blob.digest, 48)
        return collect(data, apply=apply)

    planned = aged(apply=False)
    assert [(s.digest, s.size, s.needed) for s in planned.sparse] == [(pack, 200_000, 50_000)]
    assert packed() == before, "a dry run moves nothing"
    done = aged()
    assert (done.sparse, done.unused) == (planned.sparse, [])
    assert [blobs.open(blob.digest) for blob in made] == contents, "the old one is still there"
    assert [blob.digest for blob in aged().unused] == [pack]
    reader = Owned(Local(data / "blobs"), filled.rows)
    for opened in (reader, blobs):
        opened._known_s = -1e9  # as if ten minutes had passed
        assert [opened.open(blob.digest) for blob in made[::4]] == contents[::4]
    with calling(shared):
        assert reader.open(made[0].digest) == contents[0]
    with pytest.raises(NotFound):
        reader.open(made[1].digest)
    assert (aged().sparse, aged().unused) == ([], [])
    assert examine(data).complaints == []
    assert blobs.put_many(contents) == made
    assert [blobs.open(blob.digest) for blob in made] == contents


def test_what_is_named_between_the_look_and_the_move_stays(filled: Ostinato, monkeypatch: pytest.MonkeyPatch) -> None:
    data, blobs = filled.settings.data, filled.blobs
    assert isinstance(blobs, Owned)
    made = blobs.put_many([bytes([i]) * 5000 for i in range(10)])
    with filled.run("packs") as run:
        run.artifact("names.json", made[0].digest.encode())

    def late(*arguments: Any) -> None:
        with filled.run("late") as run:
            run.artifact("late.json", made[1].digest.encode())
        repack(*arguments)
        raise KeyboardInterrupt  # and then it is killed

    monkeypatch.setattr("ostinato.maintenance.collect.repack", late)
    for _ in range(2):
        for blob in Local(data / "blobs").all():
            age(data, blob.digest, 48)
        with contextlib.suppress(KeyboardInterrupt):
            collect(data, apply=True)
        monkeypatch.undo()
    reader = Owned(Local(data / "blobs"), filled.rows)
    assert [reader.open(blob.digest)[:1] for blob in made[:2]] == [b"\0", b"\1"]
    assert examine(data).complaints == []


def test_what_is_stored_again_or_asked_for_stays(tmp_path: Path) -> None:
    blobs = Local(tmp_path / "blobs")
    wishes: list[Callable[[str], object]] = [blobs.exists, blobs.open, blobs.path, lambda digest: blobs.put(digest.encode()[:0] + b"same")]
    rows(tmp_path, [])
    for wish in wishes:
        digest = blobs.put(b"same").digest
        age(tmp_path, digest, 48)
        assert [b.digest for b in collect(tmp_path).unused] == [digest]
        wish(digest)
        assert collect(tmp_path, apply=True).unused == []
        assert blobs.open(digest) == b"same"
    age(tmp_path, digest, 48)
    assert b"".join(blobs.stream(digest)) == b"same"  # as a backup reads, which must not keep everything alive
    assert len(collect(tmp_path, apply=True).unused) == 1


def test_a_blob_that_is_wanted_between_the_look_and_the_deletion_is_there(tmp_path: Path) -> None:
    """Many stores of the same bytes against many deletions of them: after each store, the blob is there and stays."""
    blobs, stop = Local(tmp_path / "blobs"), threading.Event()
    contents = [f"content {i}".encode() for i in range(20)]
    lost: list[str] = []

    def delete() -> None:
        mine = Local(tmp_path / "blobs")
        while not stop.is_set():
            for content in contents:
                mine.forget(blob_of(content).digest, time.time() - DAY_S)

    deleting = threading.Thread(target=delete)
    deleting.start()
    until = time.monotonic() + 2
    while time.monotonic() < until:
        for content in contents:
            digest = blobs.put(content).digest
            with contextlib.suppress(FileNotFoundError):
                age(tmp_path, digest, 48)
        for content in contents:
            digest = blobs.put(content).digest
            time.sleep(0)
            if not any(blobs.exists(digest) or time.sleep(0.01) for _ in range(20)):  # it may be aside for a moment
                lost.append(digest)
    stop.set()
    deleting.join()
    assert lost == []


def test_a_collection_that_was_killed_loses_nothing(tmp_path: Path) -> None:
    digest = Local(tmp_path / "blobs").put(b"needed").digest
    place = tmp_path / "blobs" / digest[:2] / digest
    place.rename(tmp_path / "blobs" / "arriving" / f"leaving-{digest}")
    assert Local(tmp_path / "blobs").open(digest) == b"needed"


def test_nothing_is_deleted_when_a_blob_that_stays_cannot_be_read(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    blobs = Local(tmp_path / "blobs")
    inner = blobs.put(b"named by the other").digest
    outer = blobs.put(json.dumps({"$table": inner}).encode()).digest
    rows(tmp_path, [outer])
    damage(tmp_path / "blobs" / outer[:2] / outer)
    for digest in (inner, outer):
        age(tmp_path, digest, 48)
    with pytest.raises(Corrupt, match=outer):
        collect(tmp_path, apply=True)
    assert blobs.exists(inner)


def test_what_is_refused(filled: Ostinato, tmp_path: Path) -> None:
    data = filled.settings.data
    for hours in (0, 1.9, -5, float("nan")):
        with pytest.raises(Invalid, match="grace"):
            collect(data, older_than_hours=hours)
    with pytest.raises(NotFound):
        collect(tmp_path / "nowhere")
    with held(data, alone=False):
        collect(data)
        with pytest.raises(Conflict, match="backup"):
            collect(data, apply=True)
