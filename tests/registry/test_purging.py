"""Purging: what removed versions held is let go, so that a collection gives it back."""

from __future__ import annotations

import os

import pytest

from ostinato.app import Ostinato
from ostinato.keeping.collect import collect
from ostinato.keeping.doctor import examine
from ostinato.kernel.errors import Conflict, NotFound
from ostinato.kernel.ref import Ref
from ostinato.registry.types import FolderFile, ModelVersion, Signature


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
