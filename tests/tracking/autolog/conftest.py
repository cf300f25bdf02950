"""Autolog into a store built by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ostinato import face
from ostinato.testing.fixtures import both
from ostinato.tracking.fits import watch
from ostinato.tracking.logger import Logger
from ostinato.tracking.service import Runs
from ostinato.tracking.types import Run

__all__ = ["both", "store"]


class Store:
    """A place for runs, and what is found there."""

    def __init__(self, runs: Runs) -> None:
        self.runs = runs

    def run(self, experiment: str, name: str = "", **how: Any) -> Logger:
        return Logger.start(self.runs, experiment, name, **{"capture": False, **how})

    def autolog(self, *frameworks: str, **how: Any) -> watch.Autologging:
        return face.autolog(*frameworks, to=self, experiment="auto", **how)  # type: ignore[arg-type]

    def all(self, where: str = "") -> list[Run]:
        """The runs, the oldest first."""
        return self.runs.search(where=[where] if where else [], order_by="started_at", limit=100).items

    def tops(self) -> list[Run]:
        """The runs that are part of no other."""
        return [run for run in self.all() if run.parent is None]

    def last(self, run: Run) -> dict[str, float]:
        """What it measured, at the highest step."""
        return {key: metric.last for key, metric in self.runs.metrics(run.id).items()}  # type: ignore[misc]

    def file(self, run: Run, name: str) -> bytes:
        """A file of the candidate that the run left."""
        return self.runs.candidate_artifact(run.outputs[0].name, name)


@pytest.fixture
def store(runs: Runs) -> Iterator[Store]:
    yield Store(runs)
    watch.unwatch()
