"""Every role at every route, over the Ops themselves: what a role lacks is refused, what it holds is not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from ostinato.access.roles import permissions
from ostinato.app import SLICES, Ostinato
from ostinato.kernel.signature import signature_of
from ostinato.server import system
from ostinato.testing.doors import served

ROLES = ["viewer", "scientist", "engineer", "reviewer", "steward", "deployer", "auditor", "project_admin", "admin"]
OPS = [op for module in (*SLICES, system) for op in module.OPS]
SLOW = {"wait"}


@pytest.fixture
def door(app: Ostinato) -> Iterator[str]:
    with served(app) as url:
        yield url


def target(op: Any) -> str:
    """The path with names that nothing has: a verb that is let through finds nothing, or finds its input malformed."""
    return "/api/v1" + re.sub(r"\{(\w+)(:\w+)?\}", lambda m: "7" if m[2] == ":int" else "zz", op.path)


@pytest.mark.parametrize("role", ROLES)
def test_r15_every_role_at_every_route(app: Ostinato, door: str, role: str) -> None:
    app.access.create_person("probe", [role])
    secret = app.access.issue_token("person:probe").secret
    held = permissions([role])
    with httpx.Client(base_url=door, headers={"authorization": f"Bearer {secret}"}, timeout=30) as client:
        for op in OPS:
            if op.name in SLOW or (op.name in ("disable", "revoke_token") and op.needs in held):
                continue
            body = (
                {"content": b"?"} if signature_of(op).at("raw") else {"json": {"no_such_field": 1}} if signature_of(op).at("body") else {}
            )
            response = client.request(op.method, target(op), params={"no_such_field": "1"}, **body)
            allowed = not op.needs or op.needs in held
            assert (response.status_code != 403) is allowed, (
                f"{role} {op.method} {op.path} {op.needs}: {response.status_code} {response.text}"
            )
            assert response.status_code < 500 or response.status_code == 503, f"{op.method} {op.path}: {response.text}"


def test_every_route_needs_a_token_and_names_a_permission_that_a_role_holds(door: str) -> None:
    known = permissions(["admin"])
    with httpx.Client(base_url=door) as client:
        for op in OPS:
            assert client.request(op.method, target(op)).status_code == 401, op.path
            assert not op.needs or op.needs in known, f"no role holds {op.needs}"


def test_no_get_changes_the_ledger(app: Ostinato, door: str) -> None:
    headers = {"authorization": f"Bearer {(app.settings.data / 'admin-token').read_text().strip()}"}
    before = app.ledger.events(limit=1000).items
    with httpx.Client(base_url=door, headers=headers, timeout=30) as client:
        answers = [client.get(target(op)).status_code for op in OPS if op.method == "GET" and op.name not in SLOW]
    assert 200 in answers
    assert app.ledger.events(limit=1000).items == before
