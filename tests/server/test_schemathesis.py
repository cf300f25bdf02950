"""schemathesis walks the description of the API against the real server, signed in, with all its checks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
import requests
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
ONE_IN = {
    CoverageScenario.INCORRECT_TYPE: 16, CoverageScenario.VALID_OBJECT: 2, CoverageScenario.OBJECT_REQUIRED_AND_OPTIONAL: 2,
}  # fmt: skip
"""Of the scenarios with most cases only some are tried, whatever the operation: one reader reads all bodies, by the types of the verbs."""


@dataclass(frozen=True)
class Door:
    """The address of a server with a store of its own, its administrator's token, and connections to it that keep no cookies."""

    url: str
    token: str
    kept: requests.Session


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    data: Path = tmp_path_factory.mktemp("walked") / "store"
    with Ostinato.open(data) as app, served(app) as url, requests.Session() as kept:
        kept.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        yield Door(url, (data / "admin-token").read_text().strip(), kept)


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    """The description of all areas."""
    return document(SLICES)


@pytest.fixture(params=AREAS)
def area(described: dict[str, Any], request: pytest.FixtureRequest) -> BaseSchema:
    """The description of one area. Its cases are made up when its test begins, and not in each process that collects tests."""
    paths = {path: verbs for path, verbs in described["paths"].items() if next(iter(verbs.values()))["tags"] == [request.param]}
    schema = schemathesis.openapi.from_dict({**described, "paths": paths})
    schema.config.phases.coverage.unexpected_methods = {"delete"}  # one table refuses all, whatever the path
    schema.hook("filter_case")(sampled)
    return schema


def sampled(context: HookContext, case: schemathesis.Case) -> bool:
    data = case.meta.phase.data if case.meta else None
    one_in = ONE_IN.get(data.scenario, 1) if isinstance(data, CoveragePhaseData) else 1
    return crc32(f"{case.method} {case.path} {case.path_parameters} {case.query} {case.body}".encode()) % one_in == 0


@settings(max_examples=3, deadline=None, phases=[Phase.explicit, Phase.generate], derandomize=True, suppress_health_check=list(HealthCheck))
def called(case: schemathesis.Case, door: Door) -> None:
    who = {"Authorization": f"Bearer {door.token}"}
    case.call_and_validate(base_url=door.url, session=door.kept, headers=who, timeout=30, excluded_checks=LEFT_OUT)


def test_what_is_described_is_what_is_done(area: BaseSchema, door: Door, subtests: pytest.Subtests) -> None:
    for built in get_all_tests(schema=area, test_func=called, settings=None, given_kwargs=None):
        operation, test = built.ok()
        with subtests.test(operation.label):
            test(door=door)
