"""What is written on models and versions, folders as versions, and what can be taken away."""

from __future__ import annotations

import pytest

from ostinato.app import Ostinato
from ostinato.kernel.errors import Conflict, GateFailed, Invalid, NotFound
from ostinato.registry.types import FolderFile, GateSpec, Signature


def folder(app: Ostinato, model: str = "late") -> str:
    """A version of two files."""
    blobs = {path: app.blobs.put(content) for path, content in (("MLmodel", b"flavors: {}\n"), ("d/weights.bin", b"w" * 10))}
    files = [FolderFile(path=path, digest=blob.digest, size=blob.size) for path, blob in blobs.items()]
    made = app.models.register_folder(model, files, "mlflow", Signature(inputs=[]), tags={"k": "v"}, origin={"source": "runs:/x"})
    return f"{model}@{made.version}"


def test_labels_change_and_their_history_stays(app: Ostinato) -> None:
    app.models.create("late", "is it late?")
    ref = folder(app)
    assert app.models.labels("late").description == "is it late?"
    assert app.models.describe("late", "will it be late?").description == "will it be late?"
    assert app.models.tag("late", {"team": "ops", "x": "y"}).tags == {"team": "ops", "x": "y"}
    assert app.models.tag("late", {"x": None, "absent": None}).tags == {"team": "ops"}
    assert (app.models.labels(ref).tags, app.models.labels(ref).origin) == ({"k": "v"}, {"source": "runs:/x"})
    app.models.tag("late", {"team": "ops"})
    told = [event.verb for event in app.models.history("late") if event.verb in ("model.tagged", "model.described")]
    assert told == ["model.described", "model.tagged", "model.tagged"], "what changes nothing is no event"
    assert {(said.model, said.version) for said in app.models.all_labels()} == {("late", None), ("late", 1)}
    for tags in ({"": "v"}, {"k" * 251: "v"}, {"k": "v" * 100_001}, {str(i): "" for i in range(1001)}):
        with pytest.raises(Invalid):
            app.models.tag("late", tags)
    with pytest.raises(NotFound):
        app.models.tag("late@7", {"k": "v"})


def test_a_folder_is_one_version_of_many_files(app: Ostinato) -> None:
    app.models.create("late")
    ref = folder(app)
    assert [(file.path, file.size) for file in app.models.files(ref)] == [("MLmodel", 12), ("d/weights.bin", 10)]
    assert app.models.file(ref, "d/weights.bin", 2, 3) == b"www"
    assert app.models.get(ref).size == 22
    with pytest.raises(NotFound):
        app.models.file(ref, "d")
    with pytest.raises(GateFailed, match="this store loads none"):
        app.models.scorer(ref)


def test_what_has_no_rules_can_be_renamed_and_removed(app: Ostinato) -> None:
    app.models.create_open("late%20flights", "old")
    for _ in range(2):
        folder(app, "late%20flights")
    app.models.promote("late%20flights@1")
    assert app.models.rename("late%20flights", "late").aliases == {"champion": 1}
    assert [version.version for version in app.models.versions("late")] == [1, 2]
    assert app.models.labels("late@1").tags == {"k": "v"}
    assert len(app.models.files("late@2")) == 2
    with pytest.raises(NotFound):
        app.models.model("late%20flights")
    with pytest.raises(Conflict, match="is now called late"):
        app.models.create_open("late%20flights")
    with pytest.raises(Conflict, match="champion"):
        app.models.remove("late@1")
    with pytest.raises(Conflict, match="champion"):
        app.models.remove("late")
    app.models.remove("late@2")
    app.models.withdraw("late", "champion", "no longer")
    app.models.withdraw("late", "champion")
    assert app.models.at("late") is None
    assert [line.aliases for line in app.models.story("late").versions] == [[]]
    with pytest.raises(Conflict, match="names nothing"):
        app.models.rollback("late@1", "too late for that")
    app.models.remove("late")
    assert app.models.all() == []
    app.models.create_open("late", "new")
    assert app.models.labels("late").description == "new"
    assert folder(app) == "late@3"
    assert [version.version for version in app.models.versions("late")] == [3]
    assert [state.production for state in app.models.states()] == [None]


def test_what_has_rules_stays(app: Ostinato) -> None:
    app.models.create_open("late")
    folder(app)
    assert app.models.get("late@1").state == "approved", "nobody needs to"
    app.models.require("late", [GateSpec(gate="metric_floor", parameters={"metric": "auc", "value": 0.6})], 1, "people depend on it")
    assert app.models.get("late@1").state == "registered"
    for act in (lambda: app.models.promote("late@1"), lambda: app.models.remove("late@1"), lambda: app.models.rename("late", "x")):
        with pytest.raises(Conflict):
            act()
