"""schemathesis walks the description of the API against the real server, signed in, with all its checks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.generation.meta import CoveragePhaseData, CoverageScenario
from schemathesis.hooks import HookContext
from schemathesis.pytest.lazy import get_all_tests
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import positive_data_acceptance

from ostinato.app import SLICES, Ostinato
from ostinato.server import sign_in, system
from ostinato.server.openapi import document
from ostinato.testing.doors import served

AREAS = [module.NAME for module in (*SLICES, system, sign_in)]
LEFT_OUT = [positive_data_acceptance]
"""A schema tells the shape of a value; which names, ranges and states are fine, a service tells, by a 400 with a hint."""
SAMPLE = 4
"""Of the cases in which a value has another type than described, more than half of all, every fourth is tried: one reader reads all."""


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of a server with a store of its own, and its administrator's token."""
    data: Path = tmp_path_factory.mktemp("walked") / "store"
    with Ostinato.open(data) as app, served(app) as url:
        yield url, (data / "admin-token").read_text().strip()


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    """The description of all areas."""
    return document(SLICES)


@pytest.fixture(params=AREAS)
def area(described: dict[str, Any], request: pytest.FixtureRequest) -> BaseSchema:
    """The description of one area. Its cases are made up when its test begins, and not in each process that collects tests."""
    paths = {path: verbs for path, verbs in described["paths"].items() if next(iter(verbs.values()))["tags"] == [request.param]}
    schema = schemathesis.openapi.from_dict({**described, "paths": paths})
    schema.config.phases.coverage.unexpected_methods = {"delete", "trace"}  # one table refuses all, whatever the path
    schema.hook("filter_case")(sampled)
    return schema


def sampled(context: HookContext, case: schemathesis.Case) -> bool:
    data = case.meta.phase.data if case.meta else None
    if not isinstance(data, CoveragePhaseData) or data.scenario != CoverageScenario.INCORRECT_TYPE:
        return True
    return crc32(f"{case.method} {case.path} {case.path_parameters} {case.query} {case.body}".encode()) % SAMPLE == 0


@settings(max_examples=3, deadline=None, phases=[Phase.explicit, Phase.generate], derandomize=True, suppress_health_check=list(HealthCheck))
def called(case: schemathesis.Case, door: tuple[str, str]) -> None:
    url, token = door
    case.call_and_validate(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30, excluded_checks=LEFT_OUT)


def test_what_is_described_is_what_is_done(area: BaseSchema, door: tuple[str, str], subtests: pytest.Subtests) -> None:
    for built in get_all_tests(schema=area, test_func=called, settings=None, given_kwargs=None):
        operation, test = built.ok()
        with subtests.test(operation.label):
            test(door=door)
