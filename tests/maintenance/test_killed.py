"""kill -9 in the midst of backup, prune and restore: what was there stays whole, and the next try succeeds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ostinato.app import Ostinato
from ostinato.maintenance import manifest
from ostinato.maintenance.backup import backup
from ostinato.maintenance.doctor import examine
from ostinato.maintenance.prune import prune
from ostinato.maintenance.restore import restore
from ostinato.storage.objects.folder import Folder

TRIES = 10
SCRIPT = """
import os, shutil, signal, sys
from pathlib import Path
from ostinato.maintenance.backup import backup
from ostinato.maintenance.prune import prune
from ostinato.maintenance.restore import restore

# One process without threads, forked for each try: a child kills itself at its n-th change of a file.
act, data, target, work, tries = sys.argv[1], *map(Path, sys.argv[2:5]), int(sys.argv[5])
CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir")

def attempt(number, at):
    place, fresh = work / f"place-{number}", work / f"fresh-{number}"
    shutil.copytree(target, place)
    if (pid := os.fork()) != 0:
        return os.WTERMSIG(os.waitpid(pid, 0)[1])
    seen = 0
    def count(event, arguments):
        nonlocal seen
        changes = event in CHANGES or (event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR))
        seen += bool(changes)
        if changes and seen == at:
            os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(count)
    prune_one = lambda: prune(place, keep=1, apply=True)
    {"backup": lambda: backup(data, place), "prune": prune_one, "restore": lambda: restore(place, fresh)}[act]()
    (work / "changes").write_text(str(seen))
    os._exit(0)

assert attempt(0, 0) == 0
changes = int((work / "changes").read_text())
killed = [attempt(number, 1 + (number - 1) * changes // tries) for number in range(1, tries + 1)]
print(changes, killed)
"""


def whole(place: Path) -> list[str]:
    """The manifests in a place, once it is sure that all which they name is there."""
    objects = Folder(place)
    there, names = {found.name for found in objects.all()}, manifest.names(objects)
    for name in names:
        assert there >= set(manifest.sheet(objects, name).objects), f"{name} is not whole"
    return names


def killed(act: str, data: Path, target: Path, work: Path) -> list[tuple[Path, Path]]:
    """Places of backups, and of restored stores, after the act was killed in each, from its first change to its last."""
    work.mkdir()
    command = [sys.executable, "-c", SCRIPT, act, str(data), str(target), str(work), str(TRIES)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert ran.returncode == 0, ran.stderr
    changes, _, signals = ran.stdout.strip().partition(" ")
    assert json.loads(signals) == [9] * TRIES, (changes, signals, ran.stderr)
    return [(work / f"place-{number}", work / f"fresh-{number}") for number in range(1, TRIES + 1)]


@pytest.fixture
def target(filled: Ostinato, tmp_path: Path) -> Path:
    """A place with two backups; the store has changed since."""
    for number in range(2):
        backup(filled.settings.data, tmp_path / "b")
        with filled.run(f"later-{number}") as run:
            run.artifact("own.bin", bytes([number]) * 1000)
    return tmp_path / "b"


def test_a_killed_backup_leaves_the_earlier_ones(filled: Ostinato, target: Path, tmp_path: Path) -> None:
    before, completed = whole(target), 0
    for number, (place, _) in enumerate(killed("backup", filled.settings.data, target, tmp_path / "work")):
        left = whole(place)
        assert left[:2] == before
        completed += len(left) - 2
        made = backup(filled.settings.data, place)
        assert made.ok
        assert whole(place)[-1] == Path(made.manifest).name
        if number % 5 == 0:
            assert restore(place, tmp_path / f"r{number}").events == made.events
        assert prune(place, keep=1, apply=True).kept == [Path(made.manifest).name]
        whole(place)
    assert completed <= 2, "the manifest comes last"


def test_a_killed_pruning_leaves_whole_backups(filled: Ostinato, target: Path, tmp_path: Path) -> None:
    before = whole(target)
    for number, (place, _) in enumerate(killed("prune", filled.settings.data, target, tmp_path / "work")):
        left = whole(place)
        assert left in (before, before[1:])
        if number % 5 == 0:
            assert restore(place, tmp_path / f"r{number}").ok
        done = prune(place, keep=1, apply=True)
        assert whole(place) == done.kept == before[1:]
        needed = set(manifest.sheet(Folder(place), before[1]).objects)
        assert {found.name for found in Folder(place).all("blobs")} == needed


def test_a_killed_restore_leaves_nothing_or_all(filled: Ostinato, target: Path, tmp_path: Path) -> None:
    there = 0
    for place, fresh in killed("restore", filled.settings.data, target, tmp_path / "work"):
        if fresh.exists():
            there += 1
        else:
            restore(place, fresh)
        assert examine(fresh).complaints == []
        assert not fresh.with_name(f".{fresh.name}.restoring").exists()
        assert len(whole(place)) == 2
    assert there <= 3, "the folder gets its name last"
