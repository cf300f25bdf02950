"""Power that fails at any moment: what was promised is there, and nothing is there that is not what it says."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from ostinato.app import Ostinato
from ostinato.kernel.errors import NotFound
from ostinato.storage.blobs.blobs import blob_of
from ostinato.testing import faults

pytestmark = pytest.mark.timeout(600)


def test_blobs_and_the_rows_that_name_them_survive_any_loss_of_what_was_not_flushed(
    on_failing_disk: Callable[..., str], tmp_path: Path, scale: float, chance: random.Random
) -> None:
    on_failing_disk("verbs.py", "history", tmp_path)
    changes = faults.recorded(tmp_path / "record")
    promised = [change.path for change in changes if change.act == "!"]
    assert sum(one.startswith("artifact") for one in promised) == 12
    count, seen = round(80 * scale), set()
    for image, marks in faults.crashes(changes, tmp_path / "store", tmp_path / "start", tmp_path / "crashes", count, chance):
        seen.add(len(marks))
        with Ostinato.open(image) as app:
            run = app.runs.search().items[0].id
            there = {kept.path: blob_of(app.runs.artifact(run, kept.path)).digest for kept in app.runs.artifacts(run)}
            for what, name, digest in (mark.split() for mark in marks):
                if what == "artifact":
                    assert there[name] == digest, "acknowledged, and lost"
                else:
                    assert blob_of(app.blobs.open(name)).digest == digest, "acknowledged, and lost"
            for what, name, digest in (mark.split() for mark in promised):
                assert what != "artifact" or there.get(name, digest) == digest, "wrong bytes"
                try:
                    assert blob_of(app.blobs.open(digest)).digest == digest, "wrong bytes"
                except NotFound:
                    assert digest not in there.values(), "a dangling row"
            assert app.ledger.verify().ok
            app.runs.put_artifact(run, "later", b"it goes on")
    assert len(seen) > 3


@pytest.mark.parametrize("who", ["same", "next"])
def test_what_is_acknowledged_after_a_commit_that_could_not_be_flushed_is_on_the_disk(
    who: str, on_failing_disk: Callable[..., str], tmp_path: Path, scale: float, chance: random.Random
) -> None:
    """By the same process without a restart, and by another that finds in the cache of the system what the disk does not have."""
    told = on_failing_disk("verbs.py", "doubtful", tmp_path, who)
    assert "whether that write is stored is unknown | then the rows are ok" in told, "a server is ready again without a restart"
    changes = faults.recorded(tmp_path / "record")
    assert sum(one.act == "!" for one in changes) == 9
    assert sum(one.act == "x" for one in changes) == 1
    for image, marks in faults.crashes(changes, tmp_path / "store", tmp_path / "start", tmp_path / "crashes", round(60 * scale), chance):
        with Ostinato.open(image) as app:
            there = {run.id for run in app.runs.search().items}
            assert set(marks) <= there, f"acknowledged, and lost: {set(marks) - there}"
            assert app.ledger.verify().ok
            app.runs.start("flights", id="01JH0000000000000000000099")
