"""A store that takes OTLP, and its administrator at the door."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from ostinato.app import Ostinato
from ostinato.kernel.clock import SystemClock
from ostinato.testing.doors import served


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ostinato]:
    with Ostinato.open(tmp_path_factory.mktemp("otlp") / "store", clock=SystemClock()) as opened:
        yield opened


@pytest.fixture(scope="module")
def http(store: Ostinato) -> Iterator[httpx.Client]:
    token = (store.settings.data / "admin-token").read_text().strip()
    with served(store) as address, httpx.Client(base_url=address, headers={"authorization": f"Bearer {token}"}, timeout=60) as client:
        yield client
