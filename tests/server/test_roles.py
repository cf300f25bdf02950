"""Every role at every route, over the Ops themselves: what a role lacks is refused, what it holds is not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from ostinato.access.roles import expand, permissions
from ostinato.app import SLICES, Ostinato
from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.operation import Op
from ostinato.kernel.signature import signature_of
from ostinato.server import sign_in, system
from ostinato.testing.doors import served

ROLES = ["viewer", "scientist", "engineer", "reviewer", "steward", "deployer", "auditor", "project_admin", "admin"]
OPS = [op for module in (*SLICES, system, sign_in) for op in module.OPS]
SLOW = {"wait"}
PASSWORD = "a phrase for the walk"


@pytest.fixture
def door(app: Ostinato) -> Iterator[str]:
    with served(app) as url:
        yield url


def target(op: Any) -> str:
    """The path with names that nothing has: a verb that is let through finds nothing, or finds its input malformed."""
    return "/api/v1" + re.sub(r"\{(\w+)(:\w+)?\}", lambda m: "7" if m[2] == ":int" else "zz", op.path)


@contextmanager
def probe(app: Ostinato, door: str, role: str, by: str) -> Iterator[httpx.Client]:
    """A client of a person with this role, who comes by a token or in a session."""
    who = app.access.create_person("probe", [role]).id
    with httpx.Client(base_url=door, timeout=30) as client:
        if by == "session":
            assert (
                client.post("/api/v1/sign-in/code", json={"code": app.access.issue_code(who).code, "password": PASSWORD}).status_code == 200
            )
        else:
            with app.acting_as(who):
                client.headers["authorization"] = f"Bearer {app.access.issue_token(who).secret}"
        yield client


def walk(client: httpx.Client, held: frozenset[str], who: str, ops: Sequence[Op] = OPS) -> None:
    """Every operation, with names that nothing has and a field that none knows."""
    for op in ops:
        if op.name in SLOW or (op.name == "disable" and op.needs in held):
            continue
        body = {"content": b"?"} if signature_of(op).at("raw") else {"json": {"no_such_field": 1}} if signature_of(op).at("body") else {}
        response = client.request(op.method, target(op), params={"no_such_field": "1"}, **body)
        allowed = op.needs in ("", "public") or op.needs in held
        assert (response.status_code != 403) is allowed, f"{who} {op.method} {op.path} {op.needs}: {response.status_code} {response.text}"
        assert response.status_code != 401, f"{who} {op.method} {op.path}: {response.text}"
        assert response.status_code < 500 or response.status_code == 503, f"{op.method} {op.path}: {response.text}"


@pytest.mark.parametrize("role", ROLES)
def test_r15_every_role_at_every_route(app: Ostinato, door: str, role: str) -> None:
    with probe(app, door, role, "token") as client:
        walk(client, permissions([role]), role)


@pytest.mark.parametrize("role", ROLES)
def test_r15_in_a_session_a_role_is_the_same(app: Ostinato, door: str, role: str) -> None:
    """It is asked where a token is, whoever comes by it: each role goes through a third of all routes, so that three roles meet at each."""
    with probe(app, door, role, "session") as client:
        walk(client, permissions([role]), f"{role} in a session", OPS[ROLES.index(role) % 3 :: 3])


def test_r15_a_role_of_ones_own_at_every_route(app: Ostinato, door: str) -> None:
    app.access.define_role("odd", ["run:*", "*:read", "model:approve"])
    with probe(app, door, "odd", "token") as client:
        walk(client, expand(["run:*", "*:read", "model:approve"]), "odd")


def test_asvs_8_4_1_a_foreign_project_is_as_one_that_is_not_there(app: Ostinato, door: str) -> None:
    app.access.create_project("foreign")
    with probe(app, door, "project_admin", "token") as client:
        for op in OPS:
            if op.needs in ("", "public") or op.name in SLOW:
                continue
            foreign, missing = (
                client.request(op.method, target(op), headers={"ostinato-project": name}) for name in ("foreign", "missing")
            )
            assert (foreign.status_code, missing.status_code) == (404, 404), op.path
            assert foreign.text.replace("foreign", "missing") == missing.text


def test_asvs_16_3_refusals_are_events_and_do_not_flood(app: Ostinato, door: str) -> None:
    app.access.create_project("foreign")
    with probe(app, door, "viewer", "token") as client:
        for _ in range(20):
            assert client.post("/api/v1/access/persons/eve", json={}).status_code == 403
            assert client.get("/api/v1/access/bindings", headers={"ostinato-project": "foreign"}).status_code == 404
            assert client.get("/api/v1/access/bindings", headers={"ostinato-project": "missing"}).status_code == 404
    here = app.ledger.events(verb="access.denied").items
    assert [(event.actor, event.data["permission"]) for event in here] == [("person:probe", "access:admin")]
    with calling(Caller(actor="person:admin", project="foreign")):
        assert len(app.ledger.events(verb="access.denied").items) == 1, "who owns the project sees who knocked"


def test_every_route_needs_a_token_and_names_a_permission_that_a_role_holds(door: str) -> None:
    known = permissions(["admin"])
    with httpx.Client(base_url=door) as client:
        for op in OPS:
            assert (client.request(op.method, target(op)).status_code == 401) is (op.needs != "public"), op.path
            assert op.needs in ("", "public") or op.needs in known, f"no role holds {op.needs}"


def test_what_anybody_may_is_to_sign_in() -> None:
    assert {op.path for op in OPS if op.needs == "public"} == {"/sign-in", "/sign-in/code", "/sign-in/token", "/device", "/device/token"}


def test_no_get_changes_the_ledger(app: Ostinato, door: str) -> None:
    headers = {"authorization": f"Bearer {(app.settings.data / 'admin-token').read_text().strip()}"}
    before = app.ledger.events(limit=1000).items
    with httpx.Client(base_url=door, headers=headers, timeout=30) as client:
        answers = [client.get(target(op)).status_code for op in OPS if op.method == "GET" and op.name not in SLOW]
    assert 200 in answers
    assert app.ledger.events(limit=1000).items == before
