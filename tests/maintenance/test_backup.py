"""Backup and restore: under load, incremental, compared thing by thing; damage is refused by name."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from ostinato.app import Ostinato
from ostinato.cli.main import main
from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.clock import ReplayClock
from ostinato.kernel.digest import digest_of
from ostinato.kernel.errors import Conflict, Corrupt, Exhausted, Invalid, NotFound, Unavailable
from ostinato.maintenance.backup import backup
from ostinato.maintenance.doctor import examine
from ostinato.maintenance.files import held, kept
from ostinato.maintenance.restore import restore
from ostinato.serving.plane.log import Log, read
from ostinato.storage.blobs.local import Local


def told(app: Ostinato) -> dict[str, Any]:
    """All that people would miss: what the verbs say of every run, model, dataset, permission and event, and every blob."""
    runs, blobs = app.runs.search(limit=1000).items, Local(app.settings.data / "blobs")
    return {
        "runs": {run.id: (run, app.runs.metrics(run.id), app.runs.artifacts(run.id)) for run in runs},
        "curves": {run.id: app.runs.curve(run.id, "loss") for run in runs if run.experiment == "first"},
        "models": [(app.models.versions(m.name), app.models.history(m.name)) for m in app.models.all()],
        "datasets": {d.name: (app.datasets.versions(d.name), app.datasets.deliveries(d.name)) for d in app.datasets.all()},
        "access": (app.access.actors(), app.access.bindings(), app.access.tokens(), app.access.projects()),
        "events": app.ledger.events(limit=1000).items,
        "blobs": {blob.digest: b"".join(blobs.stream(blob.digest)) for blob in blobs.all()},
    }


def tables(data: Path) -> dict[str, list[Any]]:
    """Every row of every table of the databases of a store."""
    found = {}
    for path in data.glob("*.db"):
        with contextlib.closing(sqlite3.connect(path)) as database:
            for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                found[f"{path.name}/{table}"] = sorted(database.execute(f'SELECT * FROM "{table}"').fetchall(), key=repr)
    return found


def write(app: Ostinato, stop: threading.Event, done: list[str], predict: Callable[[str], None]) -> None:
    """Log runs with artifacts, and ask the endpoint; `done` names what was acknowledged."""
    with calling(Caller(actor="person:admin")):
        while not stop.is_set():
            name = f"load-{len(done)}"
            run = app.runs.start("load", name)
            app.runs.put_artifact(run.id, "out.bin", name.encode() * 500)
            app.runs.finish(run.id)
            predict(name)
            done.append(name)


def test_r14_backed_up_under_load_wiped_and_restored(filled: Ostinato, tmp_path: Path, clock: ReplayClock) -> None:
    app, data, target = filled, filled.settings.data, tmp_path / "backups"
    app.runs.put_artifact(app.runs.start("large").id, "large.bin", os.urandom(2_000_000))
    app.endpoints.deploy("late", "late@champion")
    headers = {"Authorization": f"Bearer {app.endpoints.key('late').secret}"}
    with httpx.Client(base_url=app.endpoints.url("late"), headers=headers, timeout=10) as client:

        def predict(name: str) -> None:
            inputs = [{"name": "distance", "shape": [1], "datatype": "FP64", "data": [0.5]}]
            assert client.post("/v2/models/late/infer", json={"id": name, "inputs": inputs}).status_code == 200

        stop, done = threading.Event(), list[str]()
        writer = threading.Thread(target=write, args=(app, stop, done, predict))
        writer.start()
        while len(done) < 5:
            stop.wait(0.02)
        before = list(done)
        first = backup(data, target)
        busy = len(done)
        stop.set()
        writer.join()
    assert busy > len(before), "nothing was written while the backup was made"
    assert first.ok, first.problems

    app.endpoints.label("late", {"load-0": 1})
    second = backup(data, target)
    assert second.ok
    assert second.copied < second.size / 2, "what the first backup holds was copied again"
    assert backup(data, tmp_path / "backups").copied == 0
    quiet, rows = told(app), tables(data)
    predictions = app.endpoints.predictions("late", limit=10_000)
    token = (data / "admin-token").read_text().strip()
    app.close()
    shutil.rmtree(data)

    restore(Path(first.manifest), tmp_path / "first")
    assert examine(tmp_path / "first").complaints == []
    with Ostinato.open(tmp_path / "first", clock=clock) as early:
        runs = {run.name: run for run in early.runs.search("load", limit=1000).items}
        assert set(before) <= set(runs)
        assert all(early.runs.artifact(run.id, "out.bin") == name.encode() * 500 for name, run in runs.items() if run.state == "finished")
        assert set(before) <= {p.request_id for p in early.endpoints.predictions("late", limit=10_000)}

    restored = restore(Path(second.manifest), data)
    assert (restored.manifest, restored.problems) == (second.manifest, [])
    assert tables(data) == rows
    assert {path.stat().st_mode & 0o777 for path in (data / "ledger-key", data / "admin-token")} == {0o600}
    assert data.stat().st_mode & 0o777 == 0o700
    with Ostinato.open(data, clock=clock) as again:
        assert told(again) == quiet
        assert again.access.authenticate(token).id == "person:admin"
        assert again.endpoints.predictions("late", limit=10_000) == predictions
        assert {p.request_id: p.label for p in predictions}["load-0"] == 1
        assert again.ledger.verify(quiet["events"] and again.ledger.heads()[-1].note).ok
        with httpx.Client(base_url=again.endpoints.url("late"), headers=headers, timeout=10) as client:
            inputs = [{"name": "distance", "shape": [1], "datatype": "FP64", "data": [0.5]}]
            reply = client.post("/v2/models/late/infer", json={"id": "load-0", "inputs": inputs}).json()
        assert reply["outputs"][0]["data"] == [p.score for p in predictions if p.request_id == "load-0"]


def test_a_backup_is_for_its_owner_alone(filled: Ostinato, tmp_path: Path) -> None:
    manifest = Path(backup(filled.settings.data, tmp_path / "b").manifest)
    files = {f["path"]: f["digest"] for f in json.loads(manifest.read_text())["backup"]["files"]}
    for name in ("ledger-key", "admin-token"):
        blob = tmp_path / "b" / "blobs" / files[name][:2] / files[name]
        assert blob.read_bytes() == (filled.settings.data / name).read_bytes()
    for path in (tmp_path / "b", *(path for path in (tmp_path / "b").rglob("*") if path.is_file())):
        assert path.stat().st_mode & 0o077 == 0, path
    assert not any(name.startswith(("blobs/", "inbox/", "cache/")) or "lock" in name for name in files)


def test_every_damaged_file_of_a_backup_is_refused_by_its_name(filled: Ostinato, tmp_path: Path, damage: Callable[[Path], None]) -> None:
    (filled.settings.data / "note.txt").write_text("kept, although nobody knows it")
    manifest = Path(backup(filled.settings.data, tmp_path / "b").manifest)
    held_blobs = [path for path in (tmp_path / "b" / "blobs").glob("??/*") if path.stat().st_size]
    for victim in held_blobs:
        whole = victim.read_bytes()
        damage(victim)
        with pytest.raises(Corrupt, match=victim.name):
            restore(tmp_path / "b", tmp_path / "r")
        victim.unlink()
        with pytest.raises(Corrupt, match=f"missing.*{victim.name}"):
            restore(tmp_path / "b", tmp_path / "r")
        victim.write_bytes(whole)
        assert not (tmp_path / "r").exists()
        assert not [path.name for path in tmp_path.iterdir() if "restoring" in path.name]
    damage(manifest)
    with pytest.raises(Corrupt, match=manifest.name):
        restore(tmp_path / "b", tmp_path / "r")


def rewritten(manifest: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a manifest, and make its digest fit."""
    found = json.loads(manifest.read_text())
    change(found)
    found["digest"] = digest_of({key: value for key, value in found.items() if key not in ("digest", "signature")})
    manifest.chmod(0o600)
    manifest.write_text(json.dumps(found))


def test_a_rewritten_manifest_is_refused(filled: Ostinato, tmp_path: Path) -> None:
    old = Path(backup(filled.settings.data, tmp_path / "b").manifest)
    filled.ledger.comment(filled.ledger.events().items[0].subject, "later")
    filled.ledger.seal()
    new = Path(backup(filled.settings.data, tmp_path / "b").manifest)
    older = json.loads(old.read_text())["backup"]
    rewritten(new, lambda found: found["backup"].update(files=older["files"]))
    with pytest.raises(Corrupt, match="not signed"):
        restore(new, tmp_path / "r")
    rewritten(new, lambda found: found.update(format=99))
    with pytest.raises(Unavailable, match="another Ostinato"):
        restore(new, tmp_path / "r")
    restore(old, tmp_path / "r")


def test_an_older_backup_is_said_to_be_a_rollback(filled: Ostinato, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = backup(filled.settings.data, tmp_path / "b")
    early = filled.ledger.heads()[-1].note
    filled.ledger.comment(filled.ledger.events().items[0].subject, "later")
    filled.ledger.seal()
    head = tmp_path / "head"
    head.write_text(filled.ledger.heads()[-1].note)
    assert restore(tmp_path / "b", tmp_path / "r0", head=early).ok
    back = restore(tmp_path / "b", tmp_path / "r1", head=head.read_text())
    assert (back.ok, back.missing_events, back.events) == (False, 1, made.events)
    with pytest.raises(SystemExit) as ending:
        main(["restore", str(tmp_path / "b"), "--data", str(tmp_path / "r2"), "--head", str(head)])
    assert ending.value.code == 1
    assert "rollback" in capsys.readouterr().err
    with Ostinato.open(tmp_path / "other") as other:
        other.ledger.seal()
        foreign = other.ledger.heads()[-1].note
    with pytest.raises(Invalid, match="not signed"):
        restore(tmp_path / "b", tmp_path / "r3", head=foreign)
    assert not (tmp_path / "r3").exists()


def test_what_cannot_be_backed_up_or_restored_is_said(filled: Ostinato, tmp_path: Path) -> None:
    data = filled.settings.data
    with pytest.raises(NotFound, match="no store"):
        backup(tmp_path / "nowhere", tmp_path / "b")
    for within in (data / "backups", data.parent):
        with pytest.raises(Invalid, match="within one another"):
            backup(data, within)
    with pytest.raises(NotFound, match="no backup"):
        restore(tmp_path / "nothing", tmp_path / "r")
    with held(data, alone=True), pytest.raises(Conflict, match="collection"):
        backup(data, tmp_path / "b")
    backup(data, tmp_path / "b")
    with pytest.raises(Conflict, match="not empty"):
        restore(tmp_path / "b", data)


def test_two_restores_to_one_place_exclude_each_other(filled: Ostinato, tmp_path: Path) -> None:
    backup(filled.settings.data, tmp_path / "b")
    beside = tmp_path / ".r.restoring"
    beside.mkdir()
    (beside / "half").write_text("of one that was killed")
    handle = os.open(beside, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    with pytest.raises(Conflict, match="somebody restores"):
        restore(tmp_path / "b", tmp_path / "r")
    os.close(handle)
    restore(tmp_path / "b", tmp_path / "r")
    assert not (tmp_path / "r" / "half").exists()
    assert not beside.exists()


def test_a_target_that_is_full_is_said_and_nothing_half_is_left(store: Path, small_disk: Path, tmp_path: Path) -> None:
    backup(store, tmp_path / "b")
    with contextlib.suppress(OSError), (small_disk / "filler").open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    with (small_disk / "filler").open("r+b") as file:
        file.truncate((small_disk / "filler").stat().st_size - 200_000)
    with pytest.raises(Exhausted):
        backup(store, small_disk / "b")
    assert not list((small_disk / "b").glob("*.json"))
    shutil.rmtree(small_disk / "b")
    with pytest.raises(Exhausted):
        restore(tmp_path / "b", small_disk / "r")
    assert [path.name for path in small_disk.iterdir()] == ["filler"]
    (small_disk / "filler").unlink()
    assert backup(store, small_disk / "b").ok
    assert restore(tmp_path / "b", small_disk / "r").ok


def test_a_backup_names_what_the_store_had_lost_and_takes_the_rest(
    filled: Ostinato, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    data = filled.settings.data
    model = filled.models.versions("late")[0].artifact
    notes = filled.runs.artifacts(filled.runs.search("first").items[0].id)[0].digest
    damage(data / "blobs" / model[:2] / model)
    (data / "blobs" / notes[:2] / notes).unlink()
    made = backup(data, tmp_path / "b")
    assert not made.ok
    assert len(made.problems) == 2
    assert any(f"{model} is damaged" in problem for problem in made.problems)
    assert any(f"{notes} is missing (tracking_artifact.digest" in problem for problem in made.problems)
    assert restore(tmp_path / "b", tmp_path / "r").problems == made.problems


def test_a_store_whose_ledger_was_tampered_with_is_not_backed_up(filled: Ostinato, tmp_path: Path) -> None:
    data = filled.settings.data
    with contextlib.closing(sqlite3.connect(data / "ostinato.db")) as database, database:
        database.execute("UPDATE ledger_event SET actor = 'person:eve' WHERE seq = 1")
    with pytest.raises(Corrupt, match="event 1"):
        backup(data, tmp_path / "b")
    assert not list((tmp_path / "b").glob("*.json"))


def test_lines_of_a_log_are_taken_whole_and_what_is_of_the_moment_is_not(filled: Ostinato, tmp_path: Path) -> None:
    folder = filled.settings.data / "endpoints" / "artifacts" / "lock.log"  # a project and an endpoint of misleading names
    (folder / "log").mkdir(parents=True)
    (folder / "log" / "wal-000001.jsonl").write_bytes(b'{"a": 1}\n{"b": ')
    (folder / "plan.json").write_bytes(b"{}")
    (folder / "lock").touch()
    found = [path.relative_to(folder).as_posix() for path in kept(filled.settings.data) if path.is_relative_to(folder)]
    assert found == ["log/wal-000001.jsonl"]
    backup(filled.settings.data, tmp_path / "b")
    restore(tmp_path / "b", tmp_path / "r")
    assert (tmp_path / "r" / "endpoints" / "artifacts" / "lock.log" / "log" / "wal-000001.jsonl").read_bytes() == b'{"a": 1}\n'


def test_no_answer_is_lost_while_lines_become_segments(filled: Ostinato, tmp_path: Path) -> None:
    folder = filled.settings.data / "endpoints" / "default" / "late" / "log"
    stop, written = threading.Event(), list[str]()

    def answer() -> None:
        log = Log(folder)
        line = {"kind": "answer", "at": 0, "version": 1, "role": "stable", "status": "answered", "ms": 1.0, "scores": [0.5]}
        while not stop.is_set():
            log.append(line | {"id": str(len(written))})
            written.append("")
        log.close()

    answering = threading.Thread(target=answer)
    answering.start()
    try:
        for turn in range(3):
            while len(written) < 2500 * (turn + 1):
                stop.wait(0.001)
            before = len(written)
            made = backup(filled.settings.data, tmp_path / "b")
            restore(Path(made.manifest), tmp_path / f"r{turn}")
            found = read(tmp_path / f"r{turn}" / "endpoints" / "default" / "late" / "log", ["request_id"])["request_id"].to_pylist()
            assert {str(n) for n in range(before)} <= set(found)
            assert len(found) == len(set(found))
    finally:
        stop.set()
        answering.join()


def test_the_commands(filled: Ostinato, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def ostinato(*arguments: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ending:
            main(arguments)
        return int(ending.value.code or 0), capsys.readouterr().out

    data, target, new = str(filled.settings.data), str(tmp_path / "b"), str(tmp_path / "new")
    code, out = ostinato("backup", "--data", data, target, "--json")
    assert (code, json.loads(out)["ok"]) == (0, True)
    code, out = ostinato("--data", data, "backup", target)
    assert (code, ", 0 B new" in out) == (0, True)
    code, out = ostinato("restore", target, "--data", new)
    assert (code, "all verified" in out) == (0, True)
    code, out = ostinato("doctor", "--data", new)
    assert (code, "no problem" in out) == (0, True)
    (tmp_path / "new" / "ledger-key").chmod(0o644)
    code, out = ostinato("doctor", "--data", new, "--quick")
    assert (code, "chmod 600" in out) == (1, True)
    code, out = ostinato("collect", "--data", new)
    assert (code, "0 of " in out) == (0, True)
    assert ostinato("collect", "--data", new, "--older-than-hours", "1")[0] == 2
    assert ostinato("restore", target, "--data", new)[0] == 5
