"""Purging: what removed versions held is let go, so that a collection gives it back."""

from __future__ import annotations

import os
from functools import partial

import pytest

from ostinato.app import Ostinato
from ostinato.kernel.errors import Conflict, NotFound
from ostinato.kernel.ref import Ref
from ostinato.maintenance.collect import collect
from ostinato.maintenance.doctor import examine
from ostinato.registry.origins import versions_made_from
from ostinato.registry.types import FolderFile, ModelVersion, Signature
from ostinato.storage.rows.rows import Tx


def folder(app: Ostinato, content: bytes) -> ModelVersion:
    blob = app.blobs.put(content)
    files = [FolderFile(path="MLmodel", digest=blob.digest, size=blob.size)]
    return app.models.register_folder("late", files, "mlflow", Signature(inputs=[]))


def test_a_purged_version_frees_its_bytes_and_not_its_number(app: Ostinato) -> None:
    app.models.create_open("late")
    folder(app, b"one" * 50_000), folder(app, b"two" * 50_000)
    with pytest.raises(Conflict, match="was not removed"):
        app.models.purge("late@1")
    app.models.promote("late@1", "champion")
    app.models.promote("late@2", "champion")
    app.models.remove("late@1")
    done = app.models.purge("late@1")
    assert (done.versions, done.size) == ([1], 150_000)
    assert app.models.purge("late").versions == [], "a repeat changes nothing"
    if not os.environ.get("OSTINATO_DATABASE_URL"):
        assert examine(app.settings.data).ok, "nothing is missed"
    for path in (app.settings.data / "blobs").rglob("*"):
        os.utime(path, (1, 1))
    assert collect(app.settings.data, apply=True, older_than_hours=2).size >= 150_000
    assert app.models.file("late@2", "MLmodel") == b"two" * 50_000
    assert folder(app, b"three").version == 3
    assert [event.verb for event in app.ledger.events(verb="model.purged").items] == ["model.purged"]


def test_no_other_name_frees_from_a_hold(app: Ostinato) -> None:
    app.models.create_open("late")
    folder(app, b"one"), folder(app, b"two")
    hold = app.ledger.hold(Ref("model", "late", "1"), "court")
    with pytest.raises(Conflict, match="model:late@1 is held"):
        app.models.rename("late", "later")
    app.ledger.release(hold.id, "over")
    app.models.rename("late", "later")
    app.models.rename("later", "latest")
    again = app.ledger.hold(Ref("model", "late", "1"), "the court knows it by this name")
    assert again.ref == Ref("model", "latest", "1")
    assert app.ledger.holds(Ref("model", "late")) == [again]
    with pytest.raises(Conflict, match="model:latest@1 is held"):
        app.models.remove("latest@1")
    for ref in (Ref("model", "late", "3"), Ref("model", "late", "champion"), Ref("model", "other")):
        with pytest.raises(NotFound):
            app.ledger.hold(ref, "nothing is called so")
    app.models.remove("latest@2")
    assert app.ledger.hold(Ref("model", "latest", "2"), "removed, not purged").ref.version == "2"


def test_what_is_held_or_never_was_is_not_purged(app: Ostinato) -> None:
    app.models.create_open("late")
    folder(app, b"one")
    with pytest.raises(NotFound):
        app.models.purge("late@7")
    hold = app.ledger.hold(Ref("model", "late", "1"), "audit")
    with pytest.raises(Conflict, match="is held"):
        app.models.remove("late@1")
    app.ledger.release(hold.id, "over")
    app.models.remove("late@1")
    app.ledger.hold(Ref("model", "late"), "audit")
    with pytest.raises(Conflict, match="is held"):
        app.models.purge("late")


def test_what_came_of_runs_and_candidates_is_found_by_an_index(app: Ostinato) -> None:
    app.models.create_open("late")
    for number, candidate in enumerate(("one", "two", "one")):
        content = app.blobs.put(f"{number}".encode())
        files = [FolderFile(path="MLmodel", digest=content.digest, size=content.size)]
        app.models.register_folder("late", files, "mlflow", Signature(inputs=[]), origin={"model_id": candidate})
    app.models.tag("late@1", {"k": "v"})
    many = [f"c{number}" for number in range(70_000)]
    assert app.rows.read(lambda tx: versions_made_from(tx, "candidate", ["one", "two", *many])) == {
        "one": ["model:late@1", "model:late@3"], "two": ["model:late@2"]
    }  # fmt: skip
    app.models.remove("late@3")
    assert app.rows.read(lambda tx: versions_made_from(tx, "candidate", ["one"])) == {"one": ["model:late@1"]}
    if not os.environ.get("OSTINATO_DATABASE_URL"):
        assert app.rows.read(partial(_plan, kind="candidate")).startswith("SEARCH registry_label USING INDEX registry_label_candidate")
        assert app.rows.read(partial(_plan, kind="run")).startswith("SEARCH registry_version USING INDEX registry_version_run")


def _plan(tx: Tx, kind: str) -> str:
    """How SQLite begins to look for what came of a thing."""
    statements: list[str] = []
    tx._driver.set_trace_callback(statements.append)
    versions_made_from(tx, kind, ["one"])
    tx._driver.set_trace_callback(None)
    return str(next(tx._driver.execute(f"EXPLAIN QUERY PLAN {statements[-1]}"))[3])
