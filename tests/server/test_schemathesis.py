"""schemathesis walks the description of the API against the real server, signed in, with all its checks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from ostinato.app import SLICES, Ostinato
from ostinato.server.openapi import document
from ostinato.testing.doors import served

schema = schemathesis.openapi.from_dict(document(SLICES))
LEFT_OUT = [positive_data_acceptance]
"""A schema tells the shape of a value; which names, ranges and states are fine, a service tells, by a 400 with a hint."""


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of a server with a store of its own, and its administrator's token."""
    data: Path = tmp_path_factory.mktemp("walked") / "store"
    with Ostinato.open(data) as app, served(app) as url:
        yield url, (data / "admin-token").read_text().strip()


@schema.parametrize()
@settings(max_examples=5, deadline=None, phases=[Phase.explicit, Phase.generate], derandomize=True, suppress_health_check=list(HealthCheck))
def test_what_is_described_is_what_is_done(case: schemathesis.Case, door: tuple[str, str]) -> None:
    url, token = door
    case.call_and_validate(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30, excluded_checks=LEFT_OUT)
