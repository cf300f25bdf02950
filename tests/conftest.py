"""Fixtures that every slice uses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ostinato.app import Ostinato
from ostinato.kernel.clock import ReplayClock


@pytest.fixture
def clock() -> ReplayClock:
    """A clock that stands at the start of 2013 until a test sets it."""
    return ReplayClock(datetime(2013, 1, 1, tzinfo=UTC))


@pytest.fixture
def app(tmp_path: Path, clock: ReplayClock) -> Iterator[Ostinato]:
    """A store of its own, opened in process."""
    with Ostinato.open(tmp_path / "store", clock=clock) as opened:
        yield opened
