"""Doctor: a sound store has no complaints; each planted fault is found, named, and comes with a way to mend it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from ostinato.app import Ostinato
from ostinato.cli.main import main
from ostinato.kernel.errors import NotFound
from ostinato.maintenance import reserve
from ostinato.maintenance.backup import backup
from ostinato.maintenance.checks import check, databases, folder, installation, work
from ostinato.maintenance.doctor import Complaint, examine
from ostinato.maintenance.restore import restore
from ostinato.registry.sandbox.probe import active_guards
from ostinato.storage.blobs.keys import Keys
from ostinato.storage.blobs.local import Local
from ostinato.storage.blobs.sealed import Sealed
from ostinato.storage.rows.lease import boot
from ostinato.storage.rows.rows import metadata
from ostinato.testing.doors import served
from ostinato.testing.postgres import PostgresServer

Damage = Callable[[Path], None]


def sql(data: Path, statement: str, database: str = "ostinato.db") -> None:
    with contextlib.closing(sqlite3.connect(data / database)) as connection, connection:
        connection.execute(statement)


def artifact(data: Path) -> Path:
    with contextlib.closing(sqlite3.connect(data / "ostinato.db")) as connection:
        (digest,) = connection.execute("SELECT artifact FROM registry_version").fetchone()
    return data / "blobs" / digest[:2] / digest


def when(days: float) -> int:
    """The microseconds since 1970 in so many days from now."""
    return int((time.time() + days * 86_400) * 1e6)


def execution(data: Path, state: str, **values: object) -> None:
    """Put an execution into the rows, as a worker that died (or none) has left it."""
    with Ostinato.open(data) as app:
        table = metadata.tables["pipeline_execution"]
        row: dict[str, object] = {"id": "01JEXECUTION", "project": "default", "pipeline": "train", "target": "x:y", "actor": "person:admin"}
        for column in table.columns:
            if column.name not in row and not column.nullable:
                row[column.name] = {"Float": 0.0, "Boolean": False, "Instant": datetime.now(UTC), "Json": {}}.get(
                    type(column.type).__name__, 0 if "Integer" in type(column.type).__name__ else ""
                )
        app.rows.write(lambda tx: tx.execute(table.insert(), row | {"state": state} | values))


def endpoint(data: Path) -> Path:
    folder = data / "endpoints" / "default" / "late"
    (folder / "log").mkdir(parents=True)
    return folder


def torn_pages(data: Path, name: str, damage: Damage) -> None:
    """Damage a page in the middle of a database."""
    path = data / name
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(path.read_bytes())
    content[4096 : len(content) // 4096 * 4096] = os.urandom(len(content) // 4096 * 4096 - 4096)
    path.write_bytes(content)


def crashed_collection(data: Path) -> None:
    path = artifact(data)
    shutil.copy(path, data / "blobs" / "arriving" / f"leaving-{path.name}")


def abandoned(data: Path) -> None:
    path = data / "blobs" / "arriving" / "tmpabc"
    path.write_bytes(b"half")
    os.utime(path, (time.time() - 90_000,) * 2)


def sealed(data: Path) -> None:
    """Encrypt one blob, and lose the keys."""
    Sealed(Local(data / "blobs"), Keys(data / "blob-keys")).put(b"secret")
    (data / "blob-keys").unlink()


def endless(data: Path) -> None:
    (data / "online.db-wal").touch()
    os.truncate(data / "online.db-wal", 300 << 20)


FAULTS: dict[str, tuple[Callable[[Path, Damage], object], str, str, str]] = {
    "open key": (lambda data, _: (data / "ledger-key").chmod(0o644), "permissions", "problem", "ledger-key is open to others (mode 644)"),
    "open token": (lambda data, _: (data / "admin-token").chmod(0o640), "permissions", "problem", "admin-token is open to others"),
    "open folder": (lambda data, _: data.chmod(0o755), "permissions", "warning", "look into the folder"),
    "crashed collection": (lambda data, _: crashed_collection(data), "leftovers", "warning", "1 blobs lie aside"),
    "torn database": (lambda data, damage: torn_pages(data, "ostinato.db", damage), "rows", "problem", "ostinato.db is damaged"),
    "torn online store": (lambda data, damage: torn_pages(data, "online.db", damage), "databases", "problem", "online.db is damaged"),
    "no database": (lambda data, _: (data / "online.db").write_bytes(b"x" * 5000), "databases", "problem", "online.db is damaged"),
    "newer store": (lambda data, _: sql(data, "UPDATE store_revision SET revision = 999"), "rows", "problem", "revision 999"),
    "missing blob": (lambda data, _: artifact(data).unlink(), "references", "problem", "registry_version.artifact name it"),
    "missing output": (
        lambda data, _: sql(data, f"""INSERT INTO pipeline_memo VALUES ('default', x'00', '{{"$table":"{"ab" * 32}"}}', 's')"""),
        "references",
        "problem",
        "pipeline_memo.output name it",
    ),
    "damaged blob": (lambda data, damage: damage(artifact(data)), "blobs", "problem", "is damaged"),
    "edited event": (
        lambda data, _: sql(data, "UPDATE ledger_event SET actor = 'person:eve' WHERE seq = 1"),
        "ledger",
        "problem",
        "event 1",
    ),
    "junk for a key": (lambda data, _: (data / "ledger-key").write_bytes(b"junk"), "ledger", "problem", "ledger-key holds no key"),
    "lost key": (lambda data, _: (data / "ledger-key").unlink(), "permissions", "problem", "ledger-key is missing"),
    "killed server": (
        lambda data, _: (data / "server.json").write_text(json.dumps({"pid": 4242, "url": "http://127.0.0.1:1"})),
        "server",
        "warning",
        "process 4242",
    ),
    "damaged plan": (
        lambda data, _: (endpoint(data) / "plan.json").write_text("{"),
        "endpoints",
        "problem",
        "plan of the endpoint default/late",
    ),
    "damaged segment": (
        lambda data, _: (endpoint(data) / "log" / "segment-000001.parquet").write_bytes(b"PAR1 and no more"),
        "logs",
        "problem",
        "segment-000001.parquet cannot be read",
    ),
    "damaged lines": (
        lambda data, _: (endpoint(data) / "log" / "wal-000001.jsonl").write_bytes(b'{"id": \n'),
        "logs",
        "problem",
        "wal-000001.jsonl cannot be read",
    ),
    "foreign key file": (lambda data, _: os.chown(data / "ledger-key", 12345, -1), "permissions", "problem", "belongs to another user"),
    "old store": (lambda data, _: sql(data, "UPDATE store_revision SET revision = 0"), "rows", "warning", "will migrate it"),
    "no revision": (lambda data, _: sql(data, "DROP TABLE store_revision"), "rows", "problem", "states no revision"),
    "no ledger": (lambda data, _: sql(data, "DROP TABLE ledger_event"), "clock", "problem", "cannot be checked"),
    "abandoned upload": (lambda data, _: abandoned(data), "leftovers", "warning", "1 uploads were interrupted"),
    "killed restore": (lambda data, _: data.with_name(".store.restoring").mkdir(), "leftovers", "warning", "a restore to this folder"),
    "clock went back": (
        lambda data, _: sql(data, f"UPDATE ledger_event SET at_us = {when(3)} WHERE seq = 3"), "clock", "problem", "it went back",
    ),
    "worker gone": (
        lambda data, _: execution(data, "running", owner="dead", era="another boot", beat_s=1e12, lease_s=1e12),
        "executions", "warning", "lost its worker (dead)",
    ),
    "worker silent": (
        lambda data, _: execution(data, "running", owner="mute", era=boot()), "executions", "warning", "lost its worker (mute)",
    ),
    "nobody works": (lambda data, _: execution(data, "queued"), "executions", "warning", "1 executions wait"),
    "unknown flavor": (
        lambda data, _: sql(data, "UPDATE registry_version SET flavor = 'onnxx'"), "extras", "problem", "models of the flavor onnxx",
    ),
    "lost blob keys": (lambda data, _: sealed(data), "blobs", "problem", "blob-keys is missing, and 1 blobs are encrypted"),
    "log without end": (lambda data, _: endless(data), "databases", "warning", "has grown to 300 MiB"),
}  # fmt: skip


def complaints(data: Path, check: str, **how: Any) -> list[Complaint]:
    return [found for found in examine(data, **how).complaints if found.check == check]


def test_a_sound_store_has_no_complaints(filled: Ostinato) -> None:
    found = examine(filled.settings.data)
    assert (found.ok, found.complaints) == (True, [])
    assert set(found.checks) >= {check for _, check, _, _ in FAULTS.values()}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_found_and_has_its_remedy(store: Path, damage: Damage, fault: str) -> None:
    plant, check, level, what = FAULTS[fault]
    plant(store, damage)
    found = examine(store)
    named = [c for c in found.complaints if c.check == check and what in c.what]
    assert named, found.complaints
    assert named[0].level == level
    assert named[0].mend
    assert found.ok == (level == "warning")


def test_quick_reads_no_blob_and_no_log(store: Path, damage: Damage) -> None:
    damage(artifact(store))
    (endpoint(store) / "log" / "wal-000001.jsonl").write_bytes(b'{"id": \n')
    assert examine(store, quick=True).ok
    assert len(examine(store).complaints) == 2


def test_a_full_disk_is_told_and_the_reserve_freed(
    store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    usage = shutil.disk_usage("/")

    def left(size: int) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=size))

    left(1 << 40)
    reserve.hold(store)
    assert (store / "reserve").stat().st_blocks * 512 >= reserve.SIZE
    for size, level in ((10 << 20, "problem"), (500 << 20, "warning")):
        left(size)
        (found,) = complaints(store, "disk", quick=True)
        assert found.level == level
        assert "--free-reserve" in found.mend
    with pytest.raises(SystemExit):
        main(["doctor", "--data", str(store), "--quick", "--free-reserve"])
    assert "16.0 MiB freed" in capsys.readouterr().err
    reserve.hold(store)
    assert not (store / "reserve").exists(), "there is no room for it now"
    assert "--free-reserve" not in complaints(store, "disk", quick=True)[0].mend


def test_on_a_disk_that_is_really_full_the_doctor_looks_and_frees_room(
    small_disk: Path, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = small_disk / "store"
    shutil.copytree(template, data)
    data.chmod(0o700)
    monkeypatch.setattr(reserve, "_ENOUGH", 0)
    reserve.hold(data)
    with contextlib.suppress(OSError), (small_disk / "filler").open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    assert shutil.disk_usage(data).free == 0
    (found,) = complaints(data, "disk")
    assert (found.level, found.what) == ("problem", "0 MiB are free on the disk")
    assert reserve.free(data) == reserve.SIZE
    with Ostinato.open(data) as app:
        app.runs.put_artifact(app.runs.start("again").id, "more.bin", bytes(100_000))
    assert {c.check for c in examine(data).complaints} == {"disk"}


def test_a_reserve_is_no_part_of_a_backup(store: Path, tmp_path: Path) -> None:
    reserve.hold(store)
    backup(store, tmp_path / "b")
    restore(tmp_path / "b", tmp_path / "r")
    assert not (tmp_path / "r" / "reserve").exists()


def test_few_files_are_left(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "_INODES_MIN", 1 << 62)
    if os.statvfs(store).f_files:
        assert "more files only" in complaints(store, "disk", quick=True)[0].what


def test_it_says_which_guards_stand_around_models_that_may_run_code(
    store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert set(examine(store, quick=True).guards) == {"limits", "files", "calls"}
    monkeypatch.setattr(check, "active_guards", lambda _: {"limits": True, "files": False, "calls": True})
    assert examine(store, quick=True).ok, "nothing is loaded here that would need it"
    monkeypatch.setenv("OSTINATO_CODE_FLAVORS", "pickle")
    (found,) = complaints(store, "sandbox", quick=True)
    assert (found.level, "cannot be loaded: the guard files" in found.what, "Landlock" in found.mend) == ("problem", True, True)
    monkeypatch.setenv("OSTINATO_SANDBOX_WITHOUT", "files")
    (found,) = complaints(store, "sandbox", quick=True)
    assert (found.level, "without the guard files" in found.what) == ("warning", True)
    with pytest.raises(SystemExit):
        main(["doctor", "--data", str(store), "--quick"])
    assert "guards around models that may run code: limits, calls; missing: files" in capsys.readouterr().out


@pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is Linux's")
def test_a_store_among_pythons_folders_has_no_guard_of_files(tmp_path: Path) -> None:
    assert active_guards(tmp_path) == {"limits": True, "files": True, "calls": True}
    assert active_guards(Path(pytest.__file__).parent)["files"] is False


def test_there_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no store"):
        examine(tmp_path)


def test_versions_that_are_too_old(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "_PYTHON_MIN", (99, 0))
    monkeypatch.setattr(installation, "_SQLITE_MIN", (99, 0, 0))
    assert [found.what.split(" ")[0] for found in complaints(store, "versions", quick=True)] == ["Python", "SQLite"]
    monkeypatch.setattr(databases, "_BUILT", datetime(2999, 1, 1, tzinfo=UTC))
    assert "the clock of this machine says" in complaints(store, "clock", quick=True)[0].what


def test_packages_that_the_store_needs(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sql(store, "UPDATE registry_version SET flavor = 'sklearn'")
    monkeypatch.setitem(sys.modules, "skops", None)
    monkeypatch.setitem(sys.modules, "skops.io", None)
    (found,) = complaints(store, "extras", quick=True)
    assert "models of the flavor sklearn cannot be loaded" in found.what
    assert "ostinato[ml]" in found.mend
    monkeypatch.setitem(sys.modules, "obstore", None)
    monkeypatch.setenv("OSTINATO_BLOBS_URL", "s3://bucket")
    assert "ostinato[s3]" in complaints(store, "settings", quick=True)[0].mend
    monkeypatch.setenv("OSTINATO_BLOBS_URL", "nonsense")
    monkeypatch.setenv("OSTINATO_PROXIES", "somebody")
    assert [found.what.partition(" ")[0] for found in complaints(store, "settings", quick=True)] == [
        "OSTINATO_BLOBS_URL",
        "OSTINATO_PROXIES:",
    ]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"OIDC_GROUPS": "ml=scientist"}, "OSTINATO_OIDC_GROUPS"),
        ({"OIDC_GROUPS": '{"ml": "scientist"}'}, "OSTINATO_OIDC_GROUPS"),
        ({"OIDC_ISSUER": "http://login.example.org"}, "https"),
        ({"OIDC_CLIENT": ""}, "OSTINATO_OIDC_CLIENT"),
        ({"OIDC_SECRET_FILE": "/nowhere/secret"}, "OSTINATO_OIDC_SECRET_FILE"),
        ({"OIDC_NETWORKS": "10.0.0.1/8"}, "OSTINATO_OIDC_NETWORKS"),
        ({"SINK_NETWORKS": "here"}, "OSTINATO_SINK_NETWORKS"),
        ({}, ""),
    ],
)
def test_settings_of_people_elsewhere(store: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], said: str) -> None:
    for name, value in ({"OIDC_ISSUER": "https://login.example.org", "OIDC_CLIENT": "ostinato"} | settings).items():
        monkeypatch.setenv(f"OSTINATO_{name}", value)
    found = complaints(store, "settings", quick=True)
    assert [said in complaint.what for complaint in found] == [True] * bool(settings)
    assert all(complaint.mend for complaint in found)


def test_a_process_that_keeps_the_turn_to_write(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "_SEAT_S", 0.1)
    hang = "import fcntl, sys, time; f = open(sys.argv[1]); fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", hang, str(store / "ostinato.db.main")], stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        (found,) = complaints(store, "writer", quick=True)
        process.kill()
    assert found.what == f"the process {process.pid} keeps the turn to write"
    assert complaints(store, "writer", quick=True) == []


@contextlib.contextmanager
def held(data: Path, url: str) -> Iterator[None]:
    """As if a server held the folder."""
    (data / "server.json").write_text(json.dumps({"pid": 4242, "url": url}))
    with (data / "server.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def test_a_server_that_does_not_answer(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "_ANSWER_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as mute, held(store, f"http://127.0.0.1:{mute.getsockname()[1]}"):
        (found,) = complaints(store, "server", quick=True)
        assert "does not answer: TimeoutError" in found.what
    with held(store, "http://127.0.0.1:1"):
        assert "ConnectionRefusedError" in complaints(store, "server", quick=True)[0].what


def test_the_port_and_the_folder_are_taken(store: Path, app: Ostinato) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert "cannot listen" in complaints(store, "port", quick=True, listen=("127.0.0.1", port))[0].what
    assert complaints(store, "port", quick=True, listen=("127.0.0.1", port)) == []
    with served(app) as url, held(store, url):
        assert complaints(store, "server", quick=True) == []
        assert "holds this store already" in complaints(store, "port", quick=True, listen=("127.0.0.1", 0))[0].what
        assert complaints(store, "port", quick=True, listen=("127.0.0.1", urlsplit(url).port)) == [], "it is ours"


def test_planes_that_are_down_or_cannot(store: Path) -> None:
    folder = endpoint(store)
    (folder / "state.json").write_text(json.dumps({"pid": 4242, "port": 1, "problem": "no memory"}))
    assert complaints(store, "endpoints", quick=True) == [], "no server, no planes"
    with held(store, "http://127.0.0.1:1"):
        (found,) = complaints(store, "endpoints", quick=True)
        assert "default/late has no process" in found.what
    with (folder / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "says: no memory" in complaints(store, "endpoints", quick=True)[0].what


def test_postgresql_that_is_out_of_reach_or_held_up(
    tmp_path: Path, postgres_server: PostgresServer, fill: Callable[[Ostinato], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, data = postgres_server.database(), tmp_path / "store"
    monkeypatch.setenv("OSTINATO_DATABASE_URL", url)
    with Ostinato.open(data) as app:
        fill(app)
    assert examine(data).complaints == []
    monkeypatch.setattr(databases, "_IDLE", timedelta(0))
    stop, holding = threading.Event(), threading.Event()
    with Ostinato.open(data) as app:
        writing = threading.Thread(target=lambda: app.rows.write(lambda tx: holding.set() or stop.wait(30)))
        writing.start()
        assert holding.wait(10)
        (found,) = complaints(data, "writer", quick=True)
        stop.set()
        writing.join()
    assert "has had the turn to write" in found.what
    assert "pg_terminate_backend" in found.mend
    artifact_of = next((data / "blobs").glob("[0-9a-f][0-9a-f]/*"))
    artifact_of.unlink()
    assert any(c.check == "references" for c in examine(data, quick=True).complaints)
    monkeypatch.setenv("OSTINATO_DATABASE_URL", "postgresql://nobody:hidden@127.0.0.1:1/none")
    gone = examine(data)
    assert next(c.check for c in gone.complaints if c.level == "problem") == "rows"
    assert "PostgreSQL is out of reach" in gone.complaints[0].what
    assert not any("hidden" in c.what + c.mend for c in gone.complaints)


def test_the_command(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def doctor(*options: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ending:
            main(["doctor", "--data", str(store), *options])
        return int(ending.value.code or 0), capsys.readouterr().out

    assert doctor()[0] == 0
    code, out = doctor("--quick", "--json", "--listen", "127.0.0.1:0")
    assert (code, json.loads(out)["ok"], "port" in json.loads(out)["checks"]) == (0, True, True)
    (store / "ledger-key").chmod(0o644)
    code, out = doctor("--json")
    assert (code, json.loads(out)["complaints"][0]["check"], "chmod 600" in out) == (1, "permissions", True)
    assert doctor("--listen", "nonsense")[0] == 2
