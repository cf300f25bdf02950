"""Journals in a folder that several users share: nobody sends, or writes to, what another one planted there."""

from __future__ import annotations

import json
import os
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from ostinato.kernel.errors import Denied
from ostinato.tracking.client import folders
from ostinato.tracking.client.folders import About
from ostinato.tracking.client.sync import SyncResult, sync
from ostinato.tracking.logger import Logger
from ostinato.tracking.service import Runs


def shipped(home: Path, runs: Any) -> list[SyncResult]:
    return list(sync(home, lambda _: nullcontext(runs)))


def logged(home: Path, tmp_path: Path) -> Path:
    """The journal of a run with a file."""
    (tmp_path / "model.bin").write_bytes(b"weights")
    with Logger.start(None, "flights", id="r1", capture=False) as run:
        run.log(a=1)
        run.artifact("model.bin", tmp_path / "model.bin")
    (folder,) = folders.journals(home)
    return folder


def test_what_another_user_planted_is_neither_taken_nor_synced(
    runs: Runs, journal_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = logged(journal_home, tmp_path)
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    assert list(folders.own_journals(journal_home)) == []
    with pytest.raises(Denied, match="another user owns") as refused:
        shipped(journal_home, runs)
    assert "chown" in refused.value.hint
    assert not (folder / "cursor").exists()
    with pytest.raises(PermissionError, match="another user has the folder of the run"):
        folders.make(folder.with_name("mine"), About(run="r1", experiment="flights"))
    assert [found.name for found in folder.parent.iterdir()] == [folder.name]


@pytest.mark.parametrize("which", ["run", "journal", "about"])
def test_what_others_may_write_to_is_not_trusted(runs: Runs, journal_home: Path, tmp_path: Path, which: str) -> None:
    folder = logged(journal_home, tmp_path)
    path = {"run": folder.parent, "journal": folder, "about": folder / "about.json"}[which]
    mode = path.stat().st_mode
    path.chmod(mode | 0o020)
    with pytest.raises(Denied):
        shipped(journal_home, runs)
    path.chmod(mode)
    assert [s.left for s in shipped(journal_home, runs)] == [""]


@pytest.mark.parametrize("depth", [0, 1])
def test_a_link_to_a_journal_is_none(journal_home: Path, tmp_path: Path, depth: int) -> None:
    folder = logged(journal_home, tmp_path)
    shared = tmp_path / "shared" / "r1"
    (shared if depth else shared.parent).mkdir(parents=True, mode=0o755)
    (shared / "j" if depth else shared).symlink_to(folder if depth else folder.parent)
    assert len(list(folders.journals(shared.parent))) == 1
    assert list(folders.own_journals(shared.parent)) == []


def test_no_file_of_a_journal_is_followed_elsewhere(runs: Runs, journal_home: Path, tmp_path: Path) -> None:
    folder = logged(journal_home, tmp_path)
    key = tmp_path / "id_rsa"
    key.write_bytes(b"private" * 100)
    (copy,) = folder.glob("*.file")
    for name in (copy.name, "refused.txt", "console.log", "console.at"):
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(key)
    (synced,) = shipped(journal_home, runs)
    assert runs.artifacts("r1") == []
    assert key.read_bytes() == b"private" * 100
    assert ["is gone from the journal" in text for text in synced.shipped.refused] == [True]
    (folder / "cursor").unlink()
    (folder / "cursor").symlink_to(key)
    shipped(journal_home, runs)
    assert key.read_bytes() == b"private" * 100


def test_a_refusal_is_one_printable_line(runs: Runs, journal_home: Path) -> None:
    with Logger.start(None, "flights", id="r1", capture=False) as run:
        run.log(a=1)
        with run._journal.lock:
            run._journal.deed("artifact", path="x\nalias ls='rm'\x1b[2J", file="absent.file")
    (synced,) = shipped(journal_home, runs)
    lines = (synced.folder / folders.REFUSED).read_text().splitlines()
    assert lines == synced.shipped.refused
    assert lines == ["artifact x\\nalias ls='rm'\\x1b[2J: its copy absent.file is gone from the journal"]
    assert json.loads((synced.folder / "about.json").read_text())["run"] == "r1"
