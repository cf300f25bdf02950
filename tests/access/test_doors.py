"""The verbs of access, in process and over HTTP; and what a token opens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ostinato.client.remote import connect
from ostinato.kernel.errors import Conflict, Denied, NotFound, Unauthenticated
from ostinato.testing.doors import served
from ostinato.testing.fixtures import both

if TYPE_CHECKING:
    from ostinato.app import Ostinato

__all__ = ["both"]


def test_the_verbs_travel(both: Ostinato) -> None:
    access = both.access
    assert access.whoami().roles == ["admin"]
    assert access.create_project("churn", "who leaves").name == "churn"
    ana = access.create_person("ana", ["scientist"])
    assert access.create_person("ana", ["scientist"]) == ana
    access.create_service("trainer")
    assert access.grant("service:trainer", "engineer").role == "engineer"
    assert {(b.actor, b.role, b.project) for b in access.bindings()} == {
        ("person:admin", "admin", "*"), ("person:ana", "scientist", "default"), ("service:trainer", "engineer", "default"),
    }  # fmt: skip
    access.revoke("service:trainer", "engineer")
    assert access.disable("service:trainer").disabled
    assert not access.enable("service:trainer").disabled
    assert [actor.id for actor in access.actors()] == ["person:admin", "person:ana", "service:trainer"]
    assert {"viewer", "admin"} <= {role.name for role in access.roles()}
    assert [project.name for project in access.projects()] == ["churn", "default"]
    issued = access.issue_token("person:ana", days=3, name="laptop")
    assert [token.id for token in access.tokens("person:ana")] == [issued.token.id]
    assert access.revoke_token(issued.token.id).revoked
    with pytest.raises(NotFound):
        access.grant("person:anna", "viewer")
    with pytest.raises(Conflict):
        access.disable("person:admin")


def test_r55_a_token_opens_what_its_roles_permit_until_it_ends(app: Ostinato) -> None:
    app.access.create_person("ana", ["viewer"])
    issued = app.access.issue_token("person:ana")
    with served(app) as url:
        with connect(url, issued.secret) as ana:
            assert ana.access.whoami().actor == "person:ana"
            assert ana.ledger.events().items
            with pytest.raises(Denied) as error:
                ana.access.create_person("eve", ["viewer"])
            assert error.value.permission == "access:admin"
            app.access.disable("person:ana")
            with pytest.raises(Unauthenticated):
                ana.access.whoami()
        with pytest.raises(Unauthenticated):
            connect(url, issued.secret)
    assert app.ledger.events(verb="access.denied").items[0].actor == "person:ana"
