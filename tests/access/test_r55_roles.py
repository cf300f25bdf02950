"""R55: who may do what where."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ostinato.access.roles import PERMISSIONS, permissions, roles
from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import Conflict, Denied, Invalid, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.access.conftest import Store

MATRIX = {
    "viewer": "run:read model:read ledger:read",
    "scientist": "run:write model:write pipeline:write ledger:write",
    "engineer": "run:write dataset:write endpoint:deploy endpoint:invoke monitor:write",
    "reviewer": "model:approve ledger:write",
    "steward": "dataset:write feature:write",
    "deployer": "model:promote endpoint:deploy endpoint:label",
    "auditor": "ledger:read access:read",
    "project_admin": "access:admin model:approve endpoint:deploy dataset:write",
    "admin": "access:admin clock:set project:write store:examine",
}
REFUSED = {
    "viewer": "run:write ledger:write access:read",
    "scientist": "model:approve model:promote endpoint:deploy dataset:write access:admin",
    "engineer": "model:approve model:promote access:admin",
    "reviewer": "model:write run:write model:promote",
    "steward": "model:approve run:write",
    "deployer": "model:approve model:write dataset:write",
    "auditor": "ledger:write run:write access:admin",
    "project_admin": "clock:set project:write store:examine",
    "admin": "",
}


@pytest.fixture(autouse=True)
def _admin() -> Iterator[None]:
    with calling(Caller(actor="person:admin")):
        yield


@pytest.mark.parametrize("role", MATRIX)
def test_each_role_may_what_it_should_and_no_more(store: Store, role: str) -> None:
    store.access.create_project("other")
    store.access.create_person("ana", [role])
    for permission in MATRIX[role].split():
        assert permission in PERMISSIONS
        assert store.access.may("person:ana", permission, "default"), permission
        assert store.access.may("person:ana", permission, "other") is (role == "admin")
    for permission in REFUSED[role].split():
        assert permission in PERMISSIONS
        assert not store.access.may("person:ana", permission, "default"), permission


def test_the_table_of_roles_is_whole() -> None:
    assert {role.name for role in roles()} == set(MATRIX)
    for role in roles():
        assert set(role.permissions) <= PERMISSIONS
        if role.name not in ("admin", "project_admin"):
            approves, writes = "model:approve" in role.permissions, "model:write" in role.permissions
            assert not (approves and writes), f"{role.name} could build and approve"
    assert permissions(["admin"]) == PERMISSIONS


def test_nothing_is_allowed_by_default(store: Store) -> None:
    store.access.create_person("ana")
    for who in ("person:ana", "person:nobody", "service:ostinato", ""):
        assert not any(store.access.may(who, permission, "default") for permission in PERMISSIONS)
    assert not store.access.may("person:admin", "run:read", "no-such-project")
    assert not store.access.may("person:admin", "run:fly", "default")


def test_a_change_counts_from_the_next_question(store: Store) -> None:
    access = store.access
    access.create_person("ana", ["viewer"])
    access.grant("person:ana", "reviewer")
    assert access.may("person:ana", "model:approve", "default")
    access.revoke("person:ana", "reviewer")
    assert not access.may("person:ana", "model:approve", "default")
    access.disable("person:ana")
    assert not access.may("person:ana", "run:read", "default")
    access.enable("person:ana")
    assert access.may("person:ana", "run:read", "default")


def test_nobody_gives_more_than_they_have(store: Store) -> None:
    access = store.access
    access.create_project("other")
    access.create_person("lead", ["project_admin"])
    access.create_person("ana")
    access.create_person("root", ["admin"])
    with calling(Caller(actor="person:lead")):
        access.grant("person:ana", "engineer")
        access.create_service("trainer", ["scientist"])
        for act in (
            lambda: access.grant("person:lead", "admin"),
            lambda: access.create_person("eve", ["admin"]),
            lambda: access.revoke("person:root", "admin"),
            lambda: access.disable("person:root"),
        ):
            with pytest.raises(Denied) as error:
                act()
            assert error.value.permission in PERMISSIONS
    with calling(Caller(actor="person:lead", project="other")), pytest.raises(Denied):
        access.grant("person:ana", "viewer")
    assert "person:eve" not in [actor.id for actor in access.actors()], "a refused creation leaves nothing behind"


def test_the_last_administrator_stays(store: Store) -> None:
    access = store.access
    with pytest.raises(Conflict):
        access.revoke("person:admin", "admin")
    with pytest.raises(Conflict):
        access.disable("person:admin")
    access.create_person("root", ["admin"])
    access.disable("person:admin")
    with calling(Caller(actor="person:root")), pytest.raises(Conflict):
        access.revoke("person:root", "admin")


def test_repeats_change_nothing(store: Store) -> None:
    access = store.access
    project = access.create_project("churn", "who leaves")
    assert access.create_project("churn", "who leaves") == project
    with pytest.raises(Conflict):
        access.create_project("churn", "something else")
    assert access.create_person("ana", ["viewer"]) == access.create_person("ana", ["viewer"])
    assert access.grant("person:ana", "viewer") == access.grant("person:ana", "viewer")
    access.revoke("person:ana", "viewer")
    access.revoke("person:ana", "viewer")
    acts = store.acts()
    assert acts == list(dict.fromkeys(acts)), "each act once"
    assert {"project.created project:churn", "actor.created person:ana", "role.granted person:ana", "role.revoked person:ana"} <= set(acts)


def test_refusals_propose(store: Store) -> None:
    access = store.access
    with pytest.raises(NotFound) as error:
        access.create_person("ana", ["reviwer"])
    assert "reviewer" in error.value.hint
    with pytest.raises(NotFound):
        access.grant("person:nobody", "viewer")
    with pytest.raises(Invalid):
        access.create_person("../etc")
    with pytest.raises(Invalid):
        access.create_service("ostinato")
    with pytest.raises(Invalid):
        access.create_project("a b")


def test_lists_show_what_the_caller_may_know_of(store: Store) -> None:
    access = store.access
    access.create_project("other")
    access.create_person("ana", ["viewer"])
    with calling(Caller(actor="person:admin", project="other")):
        access.create_person("bo", ["project_admin"])
        access.issue_token("person:bo")
    access.issue_token("person:ana")
    assert {actor.id for actor in access.actors()} == {"person:admin", "person:ana", "person:bo"}
    with calling(Caller(actor="person:bo", project="other")):
        assert {actor.id for actor in access.actors()} == {"person:admin", "person:bo"}
        assert {token.actor for token in access.tokens()} == {"person:admin", "person:bo"}
        assert [project.name for project in access.projects()] == ["other"]
        assert {(b.actor, b.role) for b in access.bindings()} == {("person:admin", "admin"), ("person:bo", "project_admin")}
        me = access.whoami()
    assert (me.actor, me.project, me.roles) == ("person:bo", "other", ["project_admin"])
    assert "access:admin" in me.permissions
    assert [project.name for project in access.projects()] == ["default", "other"]
