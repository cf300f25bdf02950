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
