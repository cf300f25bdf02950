"""Two servers on one PostgreSQL: both answer, their workers share the work, one does the duties, and the death of one loses nothing."""

from __future__ import annotations

import shutil
import signal
from collections import Counter
from pathlib import Path

import psycopg
import pytest
from tests.server.running import opened, running

from ostinato.app import Ostinato
from ostinato.kernel.errors import Conflict
from ostinato.storage.rows.postgres import Postgres
from ostinato.storage.rows.rows import metadata
from ostinato.storage.rows.term import Term
from ostinato.testing.processes import until

FLOWS = """
import os
import time
from pathlib import Path

import ostinato as ost


@ost.step(cache=False)
def once(folder: str, name: str) -> str:
    held = Path(folder) / f"held-{name}"
    if held.exists() and Path(f"/proc/{held.read_text()}").exists():
        (Path(folder) / f"doubled-{name}").touch()
    held.write_text(str(os.getpid()))
    time.sleep(0.05)
    held.unlink()
    with (Path(folder) / f"done-{os.getppid()}").open("a") as done:
        done.write(name + "\\n")
    return name


@ost.pipeline
def shared(folder: str, name: str) -> int:
    return len([once(folder, f"{name}-{i}") for i in range(3)])
"""


def holder(url: str) -> str | None:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT owner FROM store_term").fetchone()
        return row and row[0]


def joined(first: Path, second: Path) -> Path:
    """The folder of a further server of the store."""
    second.mkdir(mode=0o700)
    for name in ("ledger-key", "admin-token"):
        shutil.copy(first / name, second / name)
    (second / "blobs").symlink_to(first / "blobs")
    return second


@pytest.mark.timeout(120)
def test_two_servers_share_a_store_and_one_takes_over_from_the_other(postgres_url: str, tmp_path: Path) -> None:
    (tmp_path / "two_flows.py").write_text(FLOWS)
    (tmp_path / "done").mkdir()
    env = {
        "OSTINATO_DATABASE_URL": postgres_url, "OSTINATO_PIPELINES": "two_flows", "PYTHONPATH": str(tmp_path),
        "OSTINATO_WORKERS": "1", "OSTINATO_LEASE_S": "3",
    }  # fmt: skip
    first = tmp_path / "a" / "store"
    first.parent.mkdir()
    (tmp_path / "b").mkdir()
    with running(first, env=env) as dying, running(joined(first, tmp_path / "b" / "store"), env=env):
        a, b = opened(first), opened(tmp_path / "b" / "store")
        until(lambda: holder(postgres_url) is not None)
        leader = holder(postgres_url)
        a.pipelines.register("shared", "two_flows:shared")
        started = [
            (a, b)[i % 2].pipelines.start("shared", {"folder": str(tmp_path / "done"), "name": str(i)}, key=str(i)) for i in range(16)
        ]
        names = [f"p{i}" for i in range(20)]
        for i, name in enumerate(names):
            (a, b)[i % 2].access.create_project(name)
            assert name in {project.name for project in (b, a)[i % 2].access.projects()}, "what one acknowledged, the other has"
        until(lambda: len(list((tmp_path / "done").glob("done-*"))) == 2, what="work of both")
        dying.send_signal(signal.SIGKILL)
        dying.wait(10)
        assert all(
            b.pipelines.start("shared", {"folder": str(tmp_path / "done"), "name": str(i)}, key=str(i)).id == e.id
            for i, e in enumerate(started)
        )
        until(lambda: all(b.pipelines.get(e.id).state == "finished" for e in started), 60)
        assert not list((tmp_path / "done").glob("doubled-*"))
        ended = Counter(e.subject.name for e in b.ledger.events(verb="execution.finished", limit=1000).items)
        assert ended == {e.id: 1 for e in started}
        assert {project.name for project in b.access.projects()} >= set(names)
        until(lambda: holder(postgres_url) not in (None, leader), what="another holder of the duties, if the dead one had them")
        assert b.ledger.verify().ok
        a.close()
        b.close()


def test_a_term_has_one_holder_and_passes_on(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ostinato.storage.rows.term._TERM_S", 0.6)
    monkeypatch.setattr("ostinato.storage.rows.term._EVERY_S", 0.1)
    rows, others = Postgres(postgres_url), Postgres(postgres_url)
    rows.create(metadata)
    one, two = Term(rows, "duties", alone=False), Term(others, "duties", alone=False)
    assert one.held()
    assert not two.held()
    until(lambda: not (one.held() and two.held()) and two.held() is False, 0.1)
    assert all(one.held() and not two.held() for _ in range(200)), "it is renewed while it is asked for"
    until(two.held, 5)  # its holder asks no more, as if it were dead
    assert not one.held()
    two.close()
    until(one.held, 1)
    assert Term(others, "other", alone=False).held(), "another duty is another's"
    rows.close()
    others.close()


def test_alone_one_need_not_ask(app: Ostinato) -> None:
    assert Term(app.rows, "duties", alone=True).held()


def test_a_folder_of_another_store_is_refused(postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSTINATO_DATABASE_URL", postgres_url)
    Ostinato.open(tmp_path / "a").close()
    with pytest.raises(Conflict, match="another ledger-key") as caught:
        Ostinato.open(tmp_path / "b")
    assert "copies of ledger-key" in caught.value.hint
    (tmp_path / "b" / "ledger-key").unlink()
    Ostinato.open(joined(tmp_path / "a", tmp_path / "c")).close()
