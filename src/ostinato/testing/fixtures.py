"""Fixtures of the contract suites: import them into a conftest. Needs pytest."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from ostinato.app import Ostinato
from ostinato.client.remote import connect
from ostinato.kernel.clock import ReplayClock
from ostinato.testing import toy
from ostinato.testing.doors import served


@pytest.fixture(params=["embedded", "remote"])
def both(request: pytest.FixtureRequest, app: Ostinato) -> Iterator[Ostinato]:
    """The store of the fixture `app`, once in process and once through HTTP with the administrator's token."""
    if request.param == "embedded":
        yield app
        return
    token = (app.settings.data / "admin-token").read_text().strip()
    with served(app) as url, connect(url, token) as remote:
        yield cast(Ostinato, remote)


@pytest.fixture
def toys(tmp_path: Path) -> Iterator[toy.App]:
    """The toy app, at the start of 2013."""
    app = toy.App(tmp_path, ReplayClock(datetime(2013, 1, 1, tzinfo=UTC)))
    yield app
    app.close()


@pytest.fixture
def url(toys: toy.App) -> Iterator[str]:
    """The address at which the toy app is served."""
    with served(cast(Ostinato, toys), [toy.API]) as address:
        yield address
