"""`ost.run` and `ostinato sync`, as one types them: offline, killed, twice at once, to another server."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import ostinato as ost
from ostinato.app import Ostinato
from ostinato.cli import local_runs
from ostinato.cli.main import root
from ostinato.client import login
from ostinato.testing.doors import served
from ostinato.testing.processes import forked
from ostinato.tracking.client import folders
from ostinato.tracking.logger import Logger

QUIET = {"capture": False}


def ostinato(*arguments: str | Path) -> Result:
    local_runs.attach(root)
    return CliRunner().invoke(root, [str(a) for a in arguments], standalone_mode=False)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's home, with a store in it that nobody has made yet."""
    monkeypatch.delenv("OSTINATO_JOURNAL")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("OSTINATO_DATA", str(tmp_path / "store"))
    return tmp_path


def test_an_offline_run_is_shipped_into_the_store_it_was_meant_for(home: Path) -> None:
    with ost.run("flights", params={"depth": 3}, offline=True, **QUIET) as run:
        run.log(a=1)
    assert not (home / "store" / "ostinato.db").exists()
    told = ostinato("sync")
    assert told.exception is None, told.output
    assert f"run {run.id}: 1 points, 2 changes, finished" in told.stdout
    assert (told.return_value, list(folders.journals(home))) == (True, [])
    with Ostinato.open(home / "store") as app:
        assert app.runs.get(run.id).params == {"depth": 3}
    assert "nothing to ship" in ostinato("sync").output


def test_a_run_opens_the_store_and_closes_it(home: Path) -> None:
    with ost.run("flights", **QUIET) as run:
        run.log(a=1)
    with Ostinato.open(home / "store") as app:
        assert app.runs.get(run.id).state == "finished"


def test_a_run_without_its_server_is_kept_and_shipped_when_it_is_back(
    home: Path, app: Ostinato, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    token = (app.settings.data / "admin-token").read_text().strip()
    monkeypatch.setattr("ostinato.client.remote._FIRST_S", 0.1)
    monkeypatch.setattr("ostinato.cli.commands._PATIENCE_S", 0.2)
    with served(app) as url:
        pass
    monkeypatch.setenv("OSTINATO_URL", url)
    monkeypatch.setenv("OSTINATO_TOKEN", token)
    with ost.run("flights", **QUIET) as run:
        run.log(a=1)
    assert "ostinato sync" in caplog.text
    told = ostinato("sync")
    assert told.return_value is False
    assert "out of reach" in told.output
    with served(app, port=int(url.rpartition(":")[2])):
        assert ostinato("sync").return_value is True
        with ost.run("flights", **QUIET) as second:
            second.log(a=1)
    assert {app.runs.get(r).state for r in (run.id, second.id)} == {"finished"}


def test_a_token_goes_only_to_the_server_it_was_named_with(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address in a journal may be anybody's: somebody else's folder must not draw the token out of us."""
    Logger.start(None, "flights", target={"url": "http://127.0.0.1:1/evil"}, offline=True, **QUIET).finish()
    asked: list[tuple[str, str]] = []

    def connect(url: str, token: str, *_: object, **__: object) -> None:
        asked.append((url, token))
        raise ost.OstinatoError("enough")

    monkeypatch.setattr("ostinato.client.remote.connect", connect)
    monkeypatch.setattr(login, "saved_token", lambda url: f"saved for {url}")
    for url in ("http://127.0.0.1:1/evil", "https://ours.example.org"):
        monkeypatch.setenv("OSTINATO_URL", url)
        monkeypatch.setenv("OSTINATO_TOKEN", "ours")
        ostinato("sync")
    ostinato("sync", "--url", "https://named.example.org")
    assert asked == [
        ("http://127.0.0.1:1/evil", "ours"),
        ("http://127.0.0.1:1/evil", "saved for http://127.0.0.1:1/evil"),
        ("https://named.example.org", "ours"),
    ]


def test_two_processes_sync_at_once(home: Path) -> None:
    with Ostinato.open(home / "store"):
        pass
    for number in range(3):
        with ost.run("flights", id=f"r{number}", offline=True, **QUIET) as run:
            for step in range(20_000):
                run.log(a=step, step=step)

    def sync() -> None:
        assert ostinato("sync").exception is None

    children = [forked(sync) for _ in range(2)]
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0, 0]
    ostinato("sync")
    with Ostinato.open(home / "store") as app:
        for number in range(3):
            assert app.runs.curve(f"r{number}", "a", limit=10**6).steps == list(range(20_000))
    assert list(folders.journals(home)) == []
