"""Roles of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import Conflict, Denied, Invalid, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.access.conftest import Store


@pytest.fixture(autouse=True)
def _admin() -> Iterator[None]:
    with calling(Caller(actor="person:admin")):
        yield


def test_r55_a_custom_role_permits_what_its_patterns_say_from_the_next_request_in_every_process(store: Store) -> None:
    access = store.access
    other = type(store)(store.path, store.machine_clock)
    access.define_role("labeller", ["endpoint:label", "*:read"], "labels")
    access.create_person("ana", ["labeller"])
    assert other.access.may("person:ana", "endpoint:label", "default")
    assert other.access.may("person:ana", "run:read", "default")
    assert not other.access.may("person:ana", "run:write", "default")
    access.define_role("labeller", ["run:write"])
    assert not other.access.may("person:ana", "endpoint:label", "default")
    assert other.access.may("person:ana", "run:write", "default")
    assert [role.name for role in access.roles()][-1] == "labeller"
    other.rows.close()


def test_a_role_belongs_to_its_project_or_to_all(store: Store) -> None:
    access = store.access
    access.create_project("other")
    access.create_person("ana")
    access.define_role("local", ["run:read"])
    access.define_role("global", ["run:read"], everywhere=True)
    with calling(Caller(actor="person:admin", project="other")):
        with pytest.raises(NotFound):
            access.grant("person:ana", "local")
        access.grant("person:ana", "global")
        assert {role.name for role in access.roles()} & {"local", "global"} == {"global"}
        access.define_role("local", ["model:read"])
        access.grant("person:ana", "local")
        for name in ("global", "viewer"):
            with pytest.raises(Conflict):
                access.define_role(name, ["run:read"])
        with pytest.raises(Conflict):
            access.define_role("local", ["run:read"], everywhere=True)
    assert access.may("person:ana", "model:read", "other")
    assert not access.may("person:ana", "model:read", "default")
    assert not access.may("person:ana", "run:read", "default")


def test_nobody_defines_or_drops_what_they_do_not_hold(store: Store) -> None:
    access = store.access
    access.create_person("lead", ["project_admin"])
    access.define_role("timekeeper", ["clock:set"])
    with calling(Caller(actor="person:lead")):
        access.define_role("runner", ["run:*"])
        for act in (
            lambda: access.define_role("runner", ["*:*"]),
            lambda: access.define_role("anywhere", ["run:read"], everywhere=True),
            lambda: access.define_role("timekeeper", ["run:read"]),
            lambda: access.drop_role("timekeeper"),
            lambda: access.grant("person:lead", "timekeeper"),
        ):
            with pytest.raises(Denied) as error:
                act()
            assert error.value.permission


def test_bad_roles_are_refused(store: Store) -> None:
    access = store.access
    for pattern in ("run:fly", "run", "*", "run:read:x", "", "rum:*"):
        with pytest.raises(Invalid):
            access.define_role("odd", [pattern])
    with pytest.raises(Invalid):
        access.define_role("a b", ["run:read"])
    with pytest.raises(NotFound):
        access.drop_role("nothing")


def test_a_role_that_somebody_has_stays(store: Store) -> None:
    access = store.access
    access.define_role("runner", ["run:*"])
    access.create_person("ana", ["runner"])
    with pytest.raises(Conflict, match="person:ana has"):
        access.drop_role("runner")
    access.revoke("person:ana", "runner")
    access.drop_role("runner")
    acts = [act for act in store.acts() if "role:" in act]
    assert acts == ["role.defined role:runner", "role.dropped role:runner"]


def test_hints_name_nobody_whom_the_caller_may_not_know(store: Store) -> None:
    access = store.access
    access.create_project("other")
    access.create_person("secretperson")
    access.create_person("bo", ["viewer"])
    with calling(Caller(actor="person:bo")):
        for act in (
            lambda: access.issue_token("person:secretperso"),
            lambda: access.issue_token("person:secretperson"),
            lambda: access.issue_code("person:secretperson"),
            lambda: access.revoke_token("0123456789"),
        ):
            with pytest.raises(NotFound) as error:
                act()
            assert "person:secretperson" not in error.value.hint
        assert {token.actor for token in access.tokens()} <= {"person:bo"}
        assert [actor.id for actor in access.actors()] == ["person:bo"]
        assert access.visible_projects() == ["default"]
        assert access.visible_projects("run:write") == []
    with pytest.raises(NotFound) as error:
        access.issue_token("person:secretperso")
    assert "person:secretperson" in error.value.hint
