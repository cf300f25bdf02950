"""Export and import: what goes out of one store is in another as it was, whichever doors it went through."""

from __future__ import annotations

import json
import math
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from sqlalchemy import update

from ostinato.app import Ostinato
from ostinato.cli.main import main
from ostinato.client.remote import connect
from ostinato.evaluation.types import Estimate, Report
from ostinato.kernel.clock import ReplayClock
from ostinato.kernel.errors import Conflict, Corrupt, Denied, Invalid, NotFound, OstinatoError, TooLarge
from ostinato.kernel.ref import Ref
from ostinato.maintenance import archive
from ostinato.maintenance.archive import HEAD, POINT, Reader
from ostinato.maintenance.export import export
from ostinato.maintenance.importer import take_in
from ostinato.registry.flavors.linear import Linear, Logistic, Term
from ostinato.registry.types import Field, FolderFile, Signature
from ostinato.storage.rows.rows import metadata
from ostinato.testing.doors import served
from ostinato.tracking.types import Code, Environment, MetricFrame, Run, Source, Use

START = datetime(2013, 1, 1, tzinfo=UTC)
ODD = [math.nan, math.inf, -math.inf, -0.0, 5e-324, 1e308, struct.unpack("<d", struct.pack("<Q", 0x7FF8_0000_DEAD_BEEF))[0]]


@pytest.fixture
def other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ostinato]:
    """Another store, half a year later, with its rows in a file."""
    monkeypatch.delenv("OSTINATO_DATABASE_URL", raising=False)
    with Ostinato.open(tmp_path / "other", clock=ReplayClock(START + timedelta(days=180))) as opened:
        yield opened


def through(app: Ostinato, door: str) -> Any:
    """The store in process, or through a server."""
    if door == "embedded":
        return _As(app)
    return _Served(app)


class _As:
    def __init__(self, app: Ostinato) -> None:
        self._app = app

    def __enter__(self) -> Ostinato:
        return self._app

    def __exit__(self, *_: object) -> None:
        pass


class _Served(_As):
    def __enter__(self) -> Ostinato:
        self._server = served(self._app)
        self._remote = connect(self._server.__enter__(), (self._app.settings.data / "admin-token").read_text().strip())
        return cast(Ostinato, self._remote)

    def __exit__(self, *_: object) -> None:
        self._remote.close()
        self._server.__exit__(None, None, None)


def fill(app: Ostinato) -> None:
    """Experiments with runs and candidates, and a model with evaluations, approvals and a folder version."""
    app.runs.create_experiment("night", tags={"team": "a"}, note="# Nights")
    environment = Environment(python="3.11", platform="x", packages={"numpy": "2.0"})
    app.runs.start(
        "night", "whole", {"rate": 0.1, "deep": None, "n": 2**60, "name": "ü"}, {"a b": "c"}, id="run-1",
        code=Code(commit="abc", dirty=True), environment=environment, note="*well*", inputs=[Ref("dataset", "flights", "4")],
    )  # fmt: skip
    steps = [3, 1, 1, 2, 1, 0, -5]
    app.runs.log("run-1", "c", 0, MetricFrame.of([("odd", step, step * 1000, value) for step, value in zip(steps, ODD, strict=True)]))
    app.runs.log("run-1", "c", 1, MetricFrame.of([("loss", step, step, step / 7) for step in range(9000)]))
    app.runs.put_artifact("run-1", "deep/er/model.bin", b"shared")
    app.runs.put_artifact("run-1", "empty", b"")
    app.runs.use("run-1", [Use(source=Source(name="s", digest="d", schema="{}"), context="training", tags={"x": "y"})])
    made = app.runs.add_candidate("tree", "run-1", id="cand-1", params={"d": 3}, tags={"t": "u"}, step=2)
    app.runs.put_candidate_artifact(made.id, "tree.json", b"shared")
    frame = MetricFrame.of([("auc", 1, 1, 0.7), ("auc", 2, 2, math.nan)])
    told = {name: getattr(frame, name) for name in frame.__slots__} | {"candidate": made.id, "dataset_name": "val", "dataset_digest": "d"}
    app.runs.log("run-1", "c", 2, MetricFrame(**told))
    app.runs.change_candidate(made.id, state="ready")
    app.runs.finish("run-1", "failed", outputs=[Ref("model", "late", "1")], error="it broke")
    app.runs.start("night", "part", id="run-2", parent="run-1")
    app.runs.finish("run-2", "killed")
    app.runs.start("night", "goes on", id="run-3")
    _model(app)


def _model(app: Ostinato) -> None:
    app.access.create_person("rita", roles=["reviewer"])
    app.models.create("late", "predicts delays", risk="low")
    app.models.card_note("late", "Use", "By day.")
    report = Report(
        rows=9, positives=3, threshold=0.5, threshold_from="given", metrics={"auc": Estimate(value=0.7, low=0.6, high=0.8)}, calibration=[]
    )
    evaluation = app.evaluations.record(Ref("run", "run-1"), "rows-digest", report)
    artifact = app.models.upload(Linear().dump(Logistic(intercept=0.5, terms=[Term(weight=1.0)])))
    first = app.models.register(
        "late", artifact, "linear", Signature(inputs=[Field(name="distance")]), Ref("run", "run-1"), evaluation=evaluation.id
    )
    app.models.tag(str(first.ref), {"stage": "x"})
    app.models.check(str(first.ref))
    with app.acting_as("person:rita"):
        app.models.approve(str(first.ref), reason="Rita saw it.")
    app.models.promote(str(first.ref))
    app.models.create_open("free")
    blob = app.blobs.put(b"file" * 100)
    files = [FolderFile(path="MLmodel", digest=blob.digest, size=blob.size)]
    version = app.models.register_folder(
        "free", files, "mlflow", Signature(inputs=[]), note="n", tags={"k": "v"}, origin={"source": "runs:/x"}
    )
    app.models.promote(str(version.ref), "champion")


def seen(app: Ostinato, run: str) -> dict[str, Any]:
    """All that there is to see of a run, but for what is of its store: when it was recorded and its files kept."""
    known: Run = app.runs.get(run)
    frame = app.runs.frame(run)
    return {
        "run": replace(known, recorded_at=None),
        "metrics": app.runs.metrics(run),
        "points": sorted(
            zip([frame.keys[key] for key in np.frombuffer(frame.key, "<u4")], np.frombuffer(frame.steps, "<i8").tolist(),
                np.frombuffer(frame.times_us, "<i8").tolist(), np.frombuffer(frame.values, "<u8").tolist(), strict=True)
        ),
        "order": {key: app.runs.curve(run, key) for key in app.runs.metrics(run)},
        "files": {found.path: app.runs.artifact(run, found.path) for found in app.runs.artifacts(run)},
        "sources": app.runs.sources([run]),
        "environment": app.runs.story(run).environment,
    }  # fmt: skip


def compare(app: Ostinato, other: Ostinato) -> None:
    for run in ("run-1", "run-2"):
        assert seen(other, run) == seen(app, run)
    there, here = (replace(store.runs.experiment("night"), runs=0, running=0, last_started_at=START) for store in (app, other))
    assert here == there
    assert other.runs.candidate("cand-1") == app.runs.candidate("cand-1")
    assert other.runs.candidate_artifact("cand-1", "tree.json") == b"shared"
    first, theirs = other.models.get("late@1"), app.models.get("late@1")
    fixed = ("artifact", "size", "flavor", "signature", "run", "datasets", "evaluation", "features", "note", "registered_at", "binding")
    assert {name: getattr(first, name) for name in fixed} == {name: getattr(theirs, name) for name in fixed}
    assert other.evaluations.get(str(first.evaluation)).report == app.evaluations.get(str(first.evaluation)).report
    assert other.models.labels("late@1").tags == {"stage": "x"}
    assert [(note.section, note.text) for note in other.models.notes("late")] == [("Use", "By day.")]
    assert other.models.artifact("late@1") == app.models.artifact("late@1")
    assert other.models.file("free@1", "MLmodel") == b"file" * 100
    assert other.models.get("free@1").artifact == app.models.get("free@1").artifact


@pytest.mark.parametrize(
    ("database_url", "door", "back"),
    [("sqlite", "embedded", False), ("sqlite", "remote", False), ("postgres", "remote", False), ("postgres", "embedded", True)],
    indirect=["database_url"],
)
def test_everything_comes_out_and_goes_in_as_it_was(app: Ostinato, other: Ostinato, tmp_path: Path, door: str, back: bool) -> None:
    app, other = (other, app) if back else (app, other)
    fill(app)
    with through(app, door) as source:
        made = export(source, tmp_path / "a.ostinato", experiments=["night"], models=["late", "free"])
    assert (made.runs, made.points, made.candidates, made.versions, made.evaluations) == (2, 9009, 1, 2, 1)
    assert made.left == ["run run-3 goes on"]
    for again in (False, True):
        with through(other, door) as target:
            took = take_in(target, tmp_path / "a.ostinato")
        assert (took.runs, took.known, took.points) == ((0, 2, 0) if again else (2, 0, 9009))
        assert took.archive == made.archive
        compare(app, other)
    assert other.ledger.verify().ok
    assert len(other.ledger.events(verb="run.adopted").items) == 2
    lineage = other.ledger.lineage(Ref("model", "late", "1"))
    assert Ref("dataset", "flights", "4") in set(lineage.nodes), "what it was made of is told"


def test_approvals_are_told_and_count_for_nothing(app: Ostinato, other: Ostinato, tmp_path: Path) -> None:
    fill(app)
    export(app, tmp_path / "a", models=["late", "free"])
    took = take_in(other, tmp_path / "a")
    version = other.models.get("late@1")
    assert (version.state, version.decisions, version.author) == ("registered", [], "person:admin")
    assert other.models.model("late").aliases == {}
    assert [text.split(":")[0] for text in took.left] == ["late@champion named version 1"]
    assert other.models.model("free").aliases == {"champion": 1}, "where nobody approves, an alias is no approval"
    (event,) = [found for found in other.models.history("late") if found.verb == "model.adopted" and found.subject.version]
    assert [(told["kind"], told["by"]) for told in event.data["decisions"]] == [("approved", "person:rita")]
    assert event.data["reasons"] == ["Rita saw it."]
    with pytest.raises(OstinatoError):
        other.models.promote("late@1")
    other.models.check("late@1")
    with pytest.raises(Denied):
        other.models.approve("late@1", reason="I brought it")
    other.access.create_person("rob", roles=["reviewer"])
    with other.acting_as("person:rob"):
        other.models.approve("late@1", reason="looks right")


def test_into_the_store_that_it_came_from_nothing_is_doubled(app: Ostinato, tmp_path: Path) -> None:
    fill(app)
    before = {run: seen(app, run) for run in ("run-1", "run-2")}
    export(app, tmp_path / "a", experiments=["night"], models=["late", "free"])
    took = take_in(app, tmp_path / "a")
    assert (took.runs, took.known, took.candidates) == (0, 2, 0)
    assert {run: seen(app, run) for run in before} == before
    assert app.models.get("late@1").state == "approved"


class _Killed(BaseException):
    pass


def test_an_import_that_is_cut_short_anywhere_goes_on(
    app: Ostinato, other: Ostinato, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(app)
    export(app, tmp_path / "a", experiments=["night"], models=["late", "free"])
    write, calls = other.rows.write, 0

    for limit in range(1, 100):
        calls = 0

        def cut(change: Callable[[Any], Any], limit: int = limit) -> Any:
            nonlocal calls
            calls += 1
            if calls > limit:
                raise _Killed
            return write(change)

        with monkeypatch.context() as patched:
            patched.setattr(other.rows, "write", cut)
            try:
                take_in(other, tmp_path / "a")
            except _Killed:
                if limit in (2, 3, 4):
                    assert [run.state for run in other.runs.search().items] in ([], ["failed"]), "what did not arrive does not look whole"
                continue
        break
    else:
        raise AssertionError("it never came to an end")
    assert limit > 8, "it was cut short again and again"
    compare(app, other)
    assert len(other.ledger.events(verb="run.adopted").items) == 2
    assert len(other.ledger.events(verb="model.adopted").items) == 4


def test_what_is_here_under_the_same_name_is_refused_with_a_hint(app: Ostinato, other: Ostinato, tmp_path: Path) -> None:
    fill(app)
    export(app, tmp_path / "a", experiments=["night"])
    export(app, tmp_path / "m", models=["late"])
    other.runs.create_experiment("night")
    with pytest.raises(Conflict, match="another experiment 'night'") as refused:
        take_in(other, tmp_path / "a")
    assert "rename" in refused.value.hint
    other.runs.rename_experiment("night", "day")
    other.runs.start("day", id="run-1")
    with pytest.raises(Conflict, match="a run run-1 here that is another one"):
        take_in(other, tmp_path / "a")
    other.runs.purge("run-1", deleted_only=False)
    assert take_in(other, tmp_path / "a").runs == 2


def test_what_is_refused_keeps_nothing_else_from_coming(
    app: Ostinato, other: Ostinato, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(app)
    junk, table = app.blobs.put(b"no model at all").digest, metadata.tables["registry_version"]
    signature = Signature(inputs=[Field(name="distance")])
    for weight in (2.0, 3.0):
        digest = app.models.upload(Linear().dump(Logistic(intercept=0.5, terms=[Term(weight=weight)])))
        app.models.register("late", digest, "linear", signature)
    app.rows.write(lambda tx: tx.execute(update(table).where(table.c.model == "late", table.c.version == 2).values(artifact=junk)))
    app.models.create("strict", risk="high")
    export(app, tmp_path / "m", models=["late", "strict", "free"])
    other.models.create("strict", risk="low")
    for _ in range(2):
        made = take_in(other, tmp_path / "m")
        assert (made.models, made.versions) == (2, 3)
        assert [why.split(":")[0] for why in made.refused] == ["version late@2", "model strict with its 0 versions"]
        assert "models.rename" in made.refused[1]
        assert [version.version for version in other.models.versions("late")] == [1, 3]
    assert len(other.ledger.events(verb="model.adopted").items) == 5, "two models, three versions, once each"
    data = str(other.settings.data)
    other.close()
    assert _exit("import", str(tmp_path / "m"), "--data", data) == 1
    assert [line.split(":")[:2] for line in capsys.readouterr().err.splitlines()[-2:]] == [
        ["refused", " version late@2"],
        ["refused", " model strict with its 0 versions"],
    ]


def test_only_who_may_import_may(app: Ostinato, other: Ostinato, tmp_path: Path) -> None:
    fill(app)
    export(app, tmp_path / "a", experiments=["night"])
    who = other.access.create_person("sam", roles=["scientist"]).id
    with other.acting_as(who):
        token = other.access.issue_token(who).secret
    with served(other) as url, connect(url, token) as remote, pytest.raises(Denied, match="run:import"):
        take_in(cast(Ostinato, remote), tmp_path / "a")


def rewritten(
    source: Path, target: Path, change: Callable[[str, bytes], tuple[str, bytes] | None], how: int = zipfile.ZIP_DEFLATED
) -> Path:
    """An archive with other members."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", how) as new:
        for info in old.infolist():
            if (made := change(info.filename, old.read(info))) is not None:
                new.writestr(zipfile.ZipInfo(made[0]), made[1], zipfile.ZIP_STORED if info.filename.startswith("blobs/") else how)
    return target


def test_hostile_and_damaged_archives_are_refused_and_nothing_comes(app: Ostinato, other: Ostinato, tmp_path: Path) -> None:
    fill(app)
    good = tmp_path / "good"
    export(app, good, experiments=["night"], models=["late"])
    content = good.read_bytes()
    (tmp_path / "cut").write_bytes(content[: len(content) // 2])
    (tmp_path / "text").write_text("hello")

    def head(**said: Any) -> Callable[[str, bytes], tuple[str, bytes]]:
        return lambda name, old: (name, json.dumps(json.loads(old) | said).encode() if name == HEAD else old)

    def other_bytes(prefix: str) -> Callable[[str, bytes], tuple[str, bytes]]:
        return lambda name, old: (name, bytes([old[0] ^ 1]) + old[1:] if name.startswith(prefix) and old else old)

    cases: dict[str, tuple[type[OstinatoError], str, Callable[[str, bytes], tuple[str, bytes] | None]]] = {
        "newer": (Invalid, "format 'ostinato.archive/9'", head(format="ostinato.archive/9")),
        "no-head": (Invalid, "no archive of Ostinato", lambda name, old: None if name == HEAD else (name, old)),
        "traversal": (Corrupt, "does not belong there", lambda name, old: ("../../etc/passwd" if name.startswith("env") else name, old)),
        "absolute": (Corrupt, "does not belong there", lambda name, old: ("/etc/passwd" if name.startswith("env") else name, old)),
        "runs": (Corrupt, "is not what the archive says", other_bytes("experiments/1/runs")),
        "points": (Corrupt, "is not what the archive says", other_bytes("experiments/1/points")),
        "missing": (Corrupt, "other members", lambda name, old: None if name.startswith("evaluations") else (name, old)),
        "malformed": (Corrupt, "malformed", head(experiments=7)),
    }
    for case, (kind, said, change) in cases.items():
        with pytest.raises(kind, match=said) as refused:
            take_in(other, rewritten(good, tmp_path / case, change))
        assert refused.value.hint, case
    for name in ("cut", "text"):
        with pytest.raises(Invalid, match="no archive, or was cut off"):
            take_in(other, tmp_path / name)
    with pytest.raises(NotFound):
        take_in(other, tmp_path / "none")
    assert other.runs.experiments("all") == [], "nothing came"
    with pytest.raises(Corrupt, match="blobs/"):
        take_in(other, rewritten(good, tmp_path / "blob", other_bytes("blobs/")))
    assert [run.error for run in other.runs.search(where=["name = whole"]).items] == [
        "it did not arrive as a whole yet: import its archive again"
    ]
    assert take_in(other, good).runs == 2, "the true one goes on where the false one ended"


def test_a_bomb_is_not_lit(app: Ostinato, other: Ostinato, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app.runs.create_experiment("night")
    export(app, tmp_path / "good", experiments=["night"])
    monkeypatch.setattr(archive, "_SLACK", 1 << 20)
    swollen = rewritten(
        tmp_path / "good", tmp_path / "bomb", lambda name, old: (name, b"\0" * 40_000_000 if name.startswith("env") else old)
    )
    assert swollen.stat().st_size < 60_000
    with pytest.raises(TooLarge, match="would unpack to"):
        take_in(other, swollen)
    packed = tmp_path / "packed"
    with zipfile.ZipFile(tmp_path / "good") as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            new.writestr(info.filename, old.read(info))
        new.writestr("blobs/1", b"\0" * 1000)
    with pytest.raises(Corrupt, match="not stored as it is"):
        take_in(other, packed)


def test_an_export_is_a_whole_file_or_none(app: Ostinato, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(app)
    with pytest.raises(NotFound):
        export(app, tmp_path / "a", experiments=["none"])
    with pytest.raises(Invalid, match="say what to export"):
        export(app, tmp_path / "a")
    monkeypatch.setattr(archive.Writer, "blob", lambda *_: (_ for _ in ()).throw(OSError("disk")))
    with pytest.raises(OSError, match="disk"):
        export(app, tmp_path / "a", experiments=["night"])
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == []
    monkeypatch.undo()
    export(app, tmp_path / "a", experiments=["night"])
    with pytest.raises(Conflict, match="is there already"):
        export(app, tmp_path / "a", experiments=["night"])


def test_large_files_travel_in_parts_and_shared_ones_lie_there_once(app: Ostinato, other: Ostinato, tmp_path: Path) -> None:
    large = np.random.default_rng(1).bytes((16 << 20) + 12345)
    for run in ("one", "two"):
        app.runs.start("night", id=run)
        app.runs.put_artifact(run, "large.bin", large)
        app.runs.finish(run)
    made = export(app, tmp_path / "a", experiments=["night"])
    assert (made.blobs, made.size) == (1, len(large))
    with through(other, "remote") as remote:
        take_in(remote, tmp_path / "a")
    assert other.runs.artifact("two", "large.bin") == large


def test_the_format_is_what_the_docs_say(app: Ostinato, tmp_path: Path) -> None:
    fill(app)
    export(app, tmp_path / "a", experiments=["night"])
    with zipfile.ZipFile(tmp_path / "a") as file:
        assert file.testzip() is None
        records = [json.loads(line) for line in file.read("experiments/1/runs-1.jsonl").splitlines()]
        points = np.frombuffer(file.read("experiments/1/points-1.bin"), POINT)
    first = records[0]
    assert (first["run"]["id"], first["points"]) == ("run-1", 9009)
    losses = points[: first["points"]][points["key"][: first["points"]] == first["keys"].index("loss")]
    assert losses["value"].tolist() == [step / 7 for step in range(9000)]
    with Reader(tmp_path / "a") as reader:
        assert reader.head.format == "ostinato.archive/1"


def test_the_commands_carry_it(app: Ostinato, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(app)
    app.close()
    out, new = str(tmp_path / "night.ostinato"), tmp_path / "new"
    assert _exit("export", "--experiment", "night", "--model", "late", "--out", out, "--data", str(app.settings.data)) == 0
    assert "2 runs, 9009 points" in capsys.readouterr().out
    for known in (0, 2):
        assert _exit("import", out, "--data", str(new), "--json") == 0
        assert json.loads(capsys.readouterr().out)["known"] == known
    assert _exit("import", str(tmp_path / "none"), "--data", str(new)) != 0


def _exit(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return int(ended.value.code or 0)
