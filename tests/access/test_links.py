"""People who are known here and elsewhere: linked by their own act or an administrator's, never by a name or a mail address."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ostinato.access import store as access_rows
from ostinato.access.sign_in import Identity, Visitor
from ostinato.access.types import Binding
from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import Conflict, Denied, Invalid, NotFound, Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.access.conftest import Store

PASSWORD = "four words of mine"
HERE = "https://login.example.org"


@pytest.fixture(autouse=True)
def _admin() -> Iterator[None]:
    with calling(admin()):
        yield


def admin() -> Caller:
    return Caller(actor="person:admin")


def known(store: Store, name: str, *roles: str) -> str:
    """A person with a password."""
    with calling(admin()):
        actor = store.access.create_person(name, list(roles)).id
        code = store.access.issue_code(actor).code
    store.access.sign_in_by_code(code, password=PASSWORD)
    return actor


def by_session(store: Store, actor: str) -> Caller:
    opened = store.access.sign_in(actor, PASSWORD)
    return Caller(actor=actor, credential=opened.session.id)


def from_there(subject: str, *roles: tuple[str, str]) -> Identity:
    return Identity(issuer=HERE, subject=subject, name="ana", roles=frozenset(roles))


def test_a_person_who_is_signed_in_links_themselves(store: Store) -> None:
    ana = known(store, "ana", "scientist")
    other, mine = by_session(store, ana), by_session(store, ana)
    with calling(mine):
        linked = store.access.link_own(from_there("a-1"))
        assert store.access.link_own(from_there("a-1")) == linked, "a repeat changes nothing"
        me = store.access.whoami()
    assert (me.identity, me.has_password) == (linked, False)
    assert (linked.issuer, linked.subject, linked.linked_by) == (HERE, "a-1", ana)
    assert store.access.sign_in_elsewhere(from_there("a-1")).session.actor == ana
    with pytest.raises(Unauthenticated):
        store.access.sign_in("ana", PASSWORD)  # who leaves there must not keep a password here
    with calling(mine):
        assert other.credential not in [session.id for session in store.access.sessions()]
        assert mine.credential in [session.id for session in store.access.sessions()]
    with calling(admin()):
        assert {actor.id: actor.identity for actor in store.access.actors()}[ana] == linked
    (told,) = store.ledger.events(verb="identity.linked").items
    assert (str(told.subject), told.actor, told.data["issuer"]) == (ana, ana, HERE)


def test_neither_a_token_nor_anothers_help_links(store: Store) -> None:
    ana = known(store, "ana")
    with calling(Caller(actor=ana)):
        token = store.access.issue_token(ana)
    with calling(Caller(actor=ana, credential=token.token.id)), pytest.raises(Denied):
        store.access.link_own(from_there("a-1"))
    with calling(admin()):
        code = store.access.issue_code(ana).code
    helped = store.access.sign_in_by_code(code).session
    with calling(Caller(actor=ana, credential=helped.id)), pytest.raises(Denied):
        store.access.link_own(from_there("the administrator's own"))
    assert store.ledger.events(verb="identity.*").items == []


def test_one_identity_is_one_person_and_one_person_has_one(store: Store) -> None:
    ana, ben = known(store, "ana"), known(store, "ben")
    store.access.sign_in_elsewhere(from_there("c-1", ("default", "viewer")))  # made person:ana-2
    with calling(by_session(store, ana)):
        with pytest.raises(Conflict, match="person:ana-2"):
            store.access.link_own(from_there("c-1"))
        store.access.link_own(from_there("a-1"))
        with pytest.raises(Conflict, match="another identity"):
            store.access.link_own(from_there("a-2"))
    with calling(by_session(store, ben)), pytest.raises(Conflict, match="person:ana"):
        store.access.link_own(from_there("a-1"))
    with calling(admin()), pytest.raises(Conflict):
        store.access.link_identity(ben, HERE, "a-1")


def test_an_administrator_links_and_so_locks_out_who_was_there(store: Store) -> None:
    rita = known(store, "rita", "reviewer")
    present = by_session(store, rita)
    with calling(admin()):
        store.access.link_identity(rita, HERE, "r-1")
        assert store.access.sessions(rita) == []
    assert present.credential
    with pytest.raises(Unauthenticated):
        store.access.sign_in("rita", PASSWORD)
    assert store.access.sign_in_elsewhere(from_there("r-1")).session.actor == rita
    (told,) = store.ledger.events(verb="identity.linked").items
    assert (told.actor, str(told.subject)) == ("person:admin", rita)


def test_who_may_link_others(store: Store) -> None:
    rita, lead = known(store, "rita", "reviewer"), known(store, "lead", "project_admin")
    with calling(admin()):
        store.access.create_service("ci")
        lent = store.access.issue_token("person:admin", permissions=["access:*"])
    with calling(Caller(actor=lead)), pytest.raises(Denied):
        store.access.link_identity(rita, HERE, "x")
    with calling(Caller(actor="person:admin", credential=lent.token.id)), pytest.raises(Denied):
        store.access.link_identity(rita, HERE, "x")
    with calling(admin()):
        with pytest.raises(Conflict):
            store.access.link_identity("service:ci", HERE, "x")
        with pytest.raises(NotFound):
            store.access.link_identity("person:nobody", HERE, "x")
        for issuer, subject in ((HERE, ""), ("", "x"), (HERE, "x" * 256), (HERE, "a\nb")):
            with pytest.raises(Invalid):
                store.access.link_identity(rita, issuer, subject)


def test_who_administers_access_alone_does_not_become_an_administrator_of_all(store: Store) -> None:
    """Neither by an identity, nor by a code, nor by a token."""
    with calling(admin()):
        store.access.define_role("registrar", ["access:*"], everywhere=True)
        store.access.create_person("reg")
        store.rows.write(lambda tx: access_rows.bind(tx, Binding(actor="person:reg", role="registrar", project="*")))
        store.access.create_person("eve")
    with calling(Caller(actor="person:reg")):
        for act in (
            lambda: store.access.link_identity("person:admin", HERE, "mine"),
            lambda: store.access.issue_code("person:admin"),
            lambda: store.access.issue_token("person:admin"),
        ):
            with pytest.raises(Denied, match="may not"):
                act()
        store.access.link_identity("person:eve", HERE, "e-1")
        assert store.access.issue_code("person:eve").code
        assert store.access.issue_token("person:eve").secret


def test_unlinking_takes_what_groups_brought_and_lets_a_password_be_chosen(store: Store) -> None:
    ana = known(store, "ana", "viewer")
    with calling(by_session(store, ana)):
        store.access.link_own(from_there("a-1"))
    opened = store.access.sign_in_elsewhere(from_there("a-1", ("default", "scientist")))
    other = store.access.sign_in_elsewhere(from_there("a-1", ("default", "scientist")))
    narrow = None
    with calling(Caller(actor=ana)):
        narrow = store.access.issue_token(ana, permissions=["*:read"])
    with calling(Caller(actor=ana, credential=narrow.token.id)), pytest.raises(Denied):
        store.access.unlink_identity(ana)
    with calling(Caller(actor=ana, credential=opened.session.id)):
        store.access.unlink_identity(ana)
        store.access.unlink_identity(ana)
        assert [session.id for session in store.access.sessions()] == [opened.session.id]
        assert store.access.whoami().roles == ["viewer"], "what a hand gave, stays"
        assert store.access.whoami().identity is None
        store.access.set_password("another few words", visitor=Visitor())
    assert store.access.sign_in("ana", "another few words").session.actor == ana
    assert other.session.id != opened.session.id
    with pytest.raises(Denied):
        store.access.sign_in_elsewhere(from_there("a-1"))
    assert store.access.sign_in_elsewhere(from_there("a-1", ("default", "viewer"))).session.actor == "person:ana-2", "a stranger again"
    assert len(store.ledger.events(verb="identity.unlinked").items) == 1


def test_the_last_administrator_is_not_unlinked(store: Store) -> None:
    store.access.sign_in_elsewhere(from_there("o-1", ("*", "admin")))
    with calling(admin()):
        store.access.revoke("person:admin", "admin")
    with calling(Caller(actor="person:ana")), pytest.raises(Conflict, match="administer"):
        store.access.unlink_identity("person:ana")
