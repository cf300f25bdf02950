"""What tokens reach: scopes, rotation, and who may issue them for whom."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event

from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import Conflict, Denied, Invalid, NotFound, Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.access.conftest import Store

    from ostinato.access.types import IssuedToken


@pytest.fixture(autouse=True)
def _admin() -> Iterator[None]:
    with calling(Caller(actor="person:admin")):
        yield


def by(issued: IssuedToken, project: str = "default") -> Caller:
    """The caller who comes with this token."""
    return Caller(actor=issued.token.actor, project=project, credential=issued.token.id)


def own(store: Store, actor: str, **limits: list[str]) -> IssuedToken:
    """A token that the actor issues itself."""
    with calling(Caller(actor=actor)):
        return store.access.issue_token(actor, **limits)


def test_a_scope_narrows_what_the_actor_may_at_the_time_of_use(store: Store) -> None:
    access = store.access
    access.create_project("other")
    access.create_person("ana", ["scientist"])
    issued = own(store, "person:ana", permissions=["run:*", "model:approve"], projects=["default"])
    assert access.admit(issued.secret, "default").permissions == {"run:read", "run:write"}
    access.grant("person:ana", "reviewer")
    assert "model:approve" in access.admit(issued.secret, "default").permissions
    with calling(Caller(actor="person:admin", project="other")):
        access.grant("person:ana", "scientist")
    assert not access.admit(issued.secret, "other").permissions
    access.revoke("person:ana", "scientist")
    assert access.admit(issued.secret, "default").permissions == {"run:read", "model:approve"}
    with calling(by(issued)):
        assert access.whoami().permissions == ["model:approve", "run:read"]
        assert [project.name for project in access.projects()] == ["default"]
        assert access.visible_projects("run:write") == []


def test_no_token_gives_more_than_it_has(store: Store) -> None:
    access = store.access
    access.create_project("other")
    narrow = own(store, "person:admin", permissions=["access:*", "run:read"], projects=["default"])
    with calling(by(narrow)):
        with pytest.raises(Denied):
            access.issue_token("person:admin", permissions=["*:*"])
        with pytest.raises(Denied):
            access.issue_token("person:admin", projects=["default", "other"])
        assert access.issue_token("person:admin").token.permissions == ["access:*", "run:read"], "it inherits what it does not name"
        for act in (
            lambda: access.create_person("eve", ["viewer"]),
            lambda: access.grant("person:admin", "engineer"),
            lambda: access.define_role("all", ["*:*"]),
            lambda: access.issue_code("person:admin"),
            lambda: access.issue_token("person:other"),
        ):
            with pytest.raises((Denied, NotFound)):
                act()


def test_r53_nobody_issues_the_token_of_a_reviewer_but_the_reviewer(store: Store) -> None:
    access = store.access
    access.create_person("lead", ["project_admin"])
    access.create_person("rita", ["reviewer"])
    with calling(Caller(actor="person:lead")), pytest.raises(Denied, match="theirs to issue"):
        access.issue_token("person:rita")
    theirs, lent = own(store, "person:rita"), access.issue_token("person:rita")
    assert "model:approve" in access.admit(theirs.secret, "default").permissions
    assert "model:approve" not in access.admit(lent.secret, "default").permissions, "an administrator's token for her approves nothing"
    assert (lent.token.delegated, lent.token.issued_by) == (True, "person:admin")
    with calling(by(lent)):
        assert access.issue_token("person:rita").token.delegated, "nor does what it issues"
    issued = [event for event in store.ledger.events(verb="token.issued").items if str(event.subject) == "person:rita"]
    assert [(event.actor, event.data["delegated"]) for event in issued] == [
        ("person:rita", False), ("person:admin", True), ("person:rita", True),
    ]  # fmt: skip
    with calling(Caller(actor="person:lead")), pytest.raises(Denied):
        access.revoke_token(own_admin(store))


def own_admin(store: Store) -> str:
    """The id of a token of the administrator."""
    return next(token.id for token in store.access.tokens("person:admin"))


def test_who_administers_a_project_issues_for_its_services_and_no_further(store: Store) -> None:
    access = store.access
    access.create_project("other")
    access.create_person("lead", ["project_admin"])
    access.create_person("ana", ["engineer"])
    access.create_service("trainer", ["engineer"])
    with calling(Caller(actor="person:ana")), pytest.raises(NotFound):
        access.issue_token("service:trainer")
    with calling(Caller(actor="person:lead")):
        assert access.issue_token("service:trainer").token.delegated
    with calling(Caller(actor="person:admin", project="other")):
        access.grant("service:trainer", "viewer")
    with calling(Caller(actor="person:lead")):
        with pytest.raises(Denied, match="other"):
            access.issue_token("service:trainer")
        assert access.issue_token("service:trainer", projects=["default"]).token.projects == ["default"]


def test_a_rotated_token_ends_at_once_or_after_its_overlap(store: Store) -> None:
    access = store.access
    access.create_service("ci", ["engineer"])
    old = access.issue_token("service:ci", days=30, name="github", permissions=["run:*"])
    new = access.rotate_token(old.token.id, overlap_hours=24)
    assert access.admit(old.secret, "default").permissions == access.admit(new.secret, "default").permissions == {"run:read", "run:write"}
    assert (new.token.name, new.token.expires_at - new.token.created_at) == ("github", timedelta(days=30))
    with pytest.raises(Conflict):
        access.rotate_token(old.token.id)
    store.machine_clock.set(store.machine_clock.now() + timedelta(hours=24))
    last = access.rotate_token(new.token.id)
    with pytest.raises(Unauthenticated):
        access.admit(new.secret, "default")
    with pytest.raises(Invalid):
        access.rotate_token(last.token.id, overlap_hours=169)
    shown = {token.id: token.rotated_to for token in access.tokens("service:ci")}
    assert shown == {old.token.id: new.token.id, new.token.id: last.token.id, last.token.id: None}


def test_rotation_lends_nobody_a_second_pair_of_eyes(store: Store) -> None:
    access = store.access
    access.create_person("ana", ["reviewer"])
    lent = access.issue_token("person:ana")
    for other in (Caller(actor="person:admin"), by(lent)):
        mine = own(store, "person:ana")
        assert "model:approve" in access.admit(mine.secret, "default").permissions
        with calling(other):
            taken = access.rotate_token(mine.token.id)
        assert taken.token.delegated
        assert "model:approve" not in access.admit(taken.secret, "default").permissions
    mine = own(store, "person:ana")
    with calling(by(mine)):
        assert not access.rotate_token(mine.token.id).token.delegated


def test_a_dead_token_that_is_shown_again_takes_its_successor_along(store: Store) -> None:
    access = store.access
    access.create_service("ci", ["engineer"])
    first = access.issue_token("service:ci")
    second = access.rotate_token(first.token.id)
    third = access.rotate_token(second.token.id)
    access.admit(third.secret, "default")
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            access.admit(first.secret, "default", "198.51.100.7")
    with pytest.raises(Unauthenticated):
        access.admit(third.secret, "default")
    (reused,) = store.ledger.events(verb="token.reused").items
    assert reused.data == {"token": first.token.id, "revoked": third.token.id, "address": "198.51.100.7"}


def test_last_use_tells_from_where(store: Store) -> None:
    store.access.create_service("ci")
    issued = store.access.issue_token("service:ci")
    store.access.admit(issued.secret, "default", "198.51.100.7")
    store.access.admit(issued.secret, "default", "198.51.100.8")
    (token,) = store.access.tokens("service:ci")
    assert token.last_used_from == "198.51.100.7"


def test_asking_costs_one_number_once_rights_are_known(store: Store) -> None:
    store.access.create_service("ci", ["engineer"])
    issued = store.access.issue_token("service:ci")
    store.access.admit(issued.secret, "default")
    asked: list[str] = []

    event.listen(store.rows._engine, "before_cursor_execute", lambda *given: asked.append(given[2]))  # type: ignore[attr-defined]
    store.access.admit(issued.secret, "default")
    assert not asked, "and that by a prepared statement"
    store.access.create_person("ana")
    asked.clear()
    store.access.admit(issued.secret, "default")
    assert asked, "what changed is read again"
