"""What a pipeline takes, read without importing it."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ostinato.kernel.errors import Invalid, NotFound
from ostinato.pipelines.source_inspection import outline

HEAVY = '''
import a_heavy_thing_that_is_not_there
import ostinato as ost

DAYS = 7


@ost.pipeline(name="weekly", queue="gpu", tags=["a"])
def train(n: int, names: list[str] | None = None, days: int = DAYS, *, when: "datetime", share: float = 0.5) -> int:
    """Train it.

    At length."""
    return n


@ost.pipeline
def plain(table, n=3): ...


def no_pipeline(n: int) -> int: ...
'''


@pytest.fixture
def heavy(project: Any) -> Path:
    path: Path = project.folder / "flows.py"
    path.write_text(HEAVY)
    sys.modules.pop("flows", None)
    return path


def test_an_outline_is_read_from_the_source(heavy: Path) -> None:
    found = outline("flows:train")
    assert (found.name, found.summary, found.queue, found.priority, found.tags) == ("weekly", "Train it.", "gpu", 0, ("a",))
    assert found.hints == {"n": int, "names": list[str] | None, "days": int, "share": float}
    assert found.bind({"n": 1, "when": "now"}) == {"n": 1, "names": None, "when": "now", "share": 0.5}, "DAYS is left to the worker"
    assert outline("flows:plain").bind({"table": 1}) == {"table": 1, "n": 3}
    for wrong in ({}, {"n": 1}, {"n": 1, "when": 1, "more": 2}):
        with pytest.raises(Invalid) as refused:
            found.bind(wrong)
        assert "weekly(n, names=None, days=…" in refused.value.hint
        assert "object at" not in refused.value.hint
    assert "flows" not in sys.modules


def test_a_start_checks_parameters_without_an_import(app: SimpleNamespace, heavy: Path) -> None:
    execution = app.pipelines.start("flows:train", {"n": 1, "when": "x"})
    assert (execution.pipeline, execution.queue) == ("weekly", "gpu")
    with pytest.raises(Invalid) as wrong:
        app.pipelines.start("flows:train", {"n": "many", "when": "x"})
    assert wrong.value.field == "n"
    assert "flows" not in sys.modules


def test_what_the_source_does_not_say_plainly_is_imported(heavy: Path) -> None:
    for name in ("no_pipeline", "nothing"):
        with pytest.raises(NotFound, match="a_heavy_thing"):
            outline(f"flows:{name}")
    heavy.write_text("import ostinato as ost\n\ndef double(n: int) -> int:\n    return 2 * n\n\nplain = ost.pipeline(double)\n")
    assert outline("flows:plain").hints == {"n": int, "return": int}
    for target in ("nowhere:train", "flows", "flows:", ":train"):
        with pytest.raises(NotFound):
            outline(target)


def test_both_ways_say_the_same(project: Any) -> None:
    sys.modules.pop("flows", None)
    read = outline("flows:train")
    assert "flows" not in sys.modules
    project.load()
    loaded = outline("flows:train")
    assert (read.name, read.summary, read.queue) == (loaded.name, loaded.summary, loaded.queue)
    assert read.bind({"n": 1}) == loaded.bind({"n": 1})
    assert read.hints == {name: kind for name, kind in loaded.hints.items() if name != "return"}
