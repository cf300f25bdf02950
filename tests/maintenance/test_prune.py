"""Pruning: exactly what the rules do not keep goes, and never anything that a kept backup needs."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ostinato.app import Ostinato
from ostinato.kernel.errors import Conflict, Corrupt, Invalid, NotFound
from ostinato.maintenance import manifest
from ostinato.maintenance.backup import backup
from ostinato.maintenance.prune import prune
from ostinato.maintenance.restore import restore
from ostinato.storage.objects.folder import Folder


def several(app: Ostinato, target: Path, count: int) -> list[Path]:
    """Backups, each with something that the others have not, and an artifact that comes and goes with every second."""
    made = []
    for number in range(count):
        with app.run(f"run-{number}") as run:
            run.artifact("own.bin", os.urandom(20_000))
        made.append(Path(backup(app.settings.data, target).manifest))
    return made


def test_what_stays_can_be_restored_and_nothing_else_is_left(filled: Ostinato, tmp_path: Path) -> None:
    target = tmp_path / "b"
    made = several(filled, target, 5)
    size = sum(path.stat().st_size for path in (target / "blobs").rglob("*") if path.is_file())
    planned = prune(target, keep=2)
    assert (planned.applied, planned.removed) == (False, [path.name for path in made[:3]])
    assert all(path.exists() for path in made), "a dry run removes nothing"
    done = prune(target, keep=2, apply=True)
    assert (done.objects, done.size, done.kept) == (planned.objects, planned.size, [path.name for path in made[3:]])
    assert done.size > 3 * 100_000, "the databases of the removed ones"
    left = {path for path in (target / "blobs").rglob("*") if path.is_file()}
    assert sum(path.stat().st_size for path in left) == size - done.size
    needed = {name for path in made[3:] for name in manifest.sheet(Folder(target), path.name).objects}
    assert {path.relative_to(target).as_posix() for path in left} == needed
    for number, path in enumerate(made[3:]):
        assert restore(path, tmp_path / f"r{number}").ok
    assert prune(target, keep=2, apply=True).objects == 0


def test_days_and_numbers_are_each_a_reason_to_keep(filled: Ostinato, tmp_path: Path) -> None:
    target, now = tmp_path / "b", datetime.now(UTC)
    newest = several(filled, target, 1)[0]
    for days in (1, 5, 40, 50):  # the same backup under the names of earlier days
        Folder(target).put(manifest.name_of(now - timedelta(days=days)), [newest.read_bytes()])

    def kept(**rules: float) -> int:
        return len(prune(target, **rules).kept)  # type: ignore[arg-type]

    assert [kept(keep=1), kept(keep=4), kept(keep=99)] == [1, 4, 5]
    assert [kept(keep_days=0), kept(keep_days=2), kept(keep_days=45)] == [1, 2, 4]
    assert kept(keep=3, keep_days=2) == 3
    assert kept(keep=1, keep_days=45) == 4


def test_what_a_killed_backup_left_goes_and_what_a_running_one_needs_does_not(filled: Ostinato, tmp_path: Path) -> None:
    target = tmp_path / "b"
    several(filled, target, 1)
    Folder(target).put("blobs/ab/" + "ab" * 32, [b"of a backup that was killed"])
    with Folder(target).held(alone=False):
        backup(filled.settings.data, target)
        with pytest.raises(Conflict, match="somebody else"):
            prune(target, keep=1, apply=True)
    with Folder(target).held(alone=True), pytest.raises(Conflict, match="somebody else"):
        backup(filled.settings.data, target)
    assert prune(target, keep=9, apply=True).size == 27


def test_a_damaged_manifest_that_stays_stops_it(filled: Ostinato, tmp_path: Path) -> None:
    target = tmp_path / "b"
    made = several(filled, target, 3)
    before = sorted(target.rglob("*"))
    made[1].chmod(0o600)
    made[1].write_bytes(made[1].read_bytes()[:-9])
    with pytest.raises(Corrupt, match=made[1].name):
        prune(target, keep=2, apply=True)
    assert sorted(target.rglob("*")) == before
    assert prune(target, keep=1, apply=True).removed == [path.name for path in made[:2]]
    assert restore(target, tmp_path / "r").ok


def test_rules_that_make_no_sense_are_refused(filled: Ostinato, tmp_path: Path) -> None:
    target = tmp_path / "b"
    with pytest.raises(NotFound, match="no backup"):
        prune(target, keep=1)
    for rules in ({}, {"keep": 0}, {"keep": -1}, {"keep_days": -1.0}, {"keep_days": float("nan")}):
        with pytest.raises(Invalid):
            prune(target, **rules)  # type: ignore[arg-type]


def test_a_backup_is_never_put_before_one_that_is_there(filled: Ostinato, tmp_path: Path) -> None:
    target = tmp_path / "b"
    newest = several(filled, target, 1)[0]
    Folder(target).put(manifest.name_of(datetime.now(UTC) + timedelta(days=1)), [newest.read_bytes()])
    with pytest.raises(Conflict, match="the clock says"):
        backup(filled.settings.data, target)
