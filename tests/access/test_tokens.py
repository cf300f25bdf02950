"""Credentials: their form, their life and their end."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from ostinato.access.tokens import _checksum, mint, parse
from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import Conflict, Denied, Invalid, NotFound, Unauthenticated
from ostinato.storage.rows.rows import metadata

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.access.conftest import Store


@pytest.fixture(autouse=True)
def _admin() -> Iterator[None]:
    with calling(Caller(actor="person:admin")):
        yield


def test_a_typing_error_is_told_without_a_look_at_the_store() -> None:
    token = mint("service")
    assert token.startswith("osts_")
    assert len(token) == 53
    assert parse(token).id == token[5:15]
    for _ in range(300):
        place = random.randrange(53)
        wrong = token[:place] + random.choice("abcXYZ019_é ") + token[place + 1 :]
        if wrong != token:
            with pytest.raises(Unauthenticated):
                parse(wrong)
    for wrong in ("", "ostp_", token + "0", token[:-1], "x" * 53, "ostp_" + "\0" * 48):
        with pytest.raises(Unauthenticated):
            parse(wrong)


def test_a_token_speaks_for_its_actor(store: Store) -> None:
    ana = store.access.create_person("ana", ["scientist"])
    issued = store.access.issue_token("person:ana")
    assert issued.secret.startswith("ostp_")
    assert store.access.authenticate(issued.secret) == ana
    with pytest.raises(Unauthenticated, match="not known"):
        store.access.authenticate(mint("person"))


def test_the_secret_is_kept_nowhere(store: Store) -> None:
    store.access.create_service("trainer", ["engineer"])
    secret = store.access.issue_token("service:trainer").secret
    kept = repr([store.rows.read(lambda tx, table=table: tx.all(select(table))) for table in metadata.sorted_tables])
    assert secret[5:15] in kept
    assert secret[15:47] not in kept


def test_another_secret_under_a_known_id_is_refused(store: Store) -> None:
    store.access.create_person("ana")
    secret = store.access.issue_token("person:ana").secret
    body = secret[:15] + mint("person")[15:47]
    forged = body + _checksum(body)
    assert parse(forged).id == parse(secret).id
    with pytest.raises(Unauthenticated):
        store.access.authenticate(forged)


def test_a_token_ends_by_time_by_revocation_and_with_its_actor(store: Store) -> None:
    access = store.access
    access.create_person("ana")
    brief, long = access.issue_token("person:ana", days=1), access.issue_token("person:ana", days=30)
    store.machine_clock.set(store.machine_clock.now() + timedelta(days=1))
    with pytest.raises(Unauthenticated):
        access.authenticate(brief.secret)
    access.authenticate(long.secret)
    access.disable("person:ana")
    with pytest.raises(Unauthenticated):
        access.authenticate(long.secret)
    access.enable("person:ana")
    access.authenticate(long.secret)
    assert access.revoke_token(long.token.id).revoked
    assert access.revoke_token(long.token.id).revoked, "a repeat changes nothing"
    with pytest.raises(Unauthenticated):
        access.authenticate(long.secret)
    assert store.acts().count("token.revoked person:ana") == 1


def test_the_replay_of_a_year_expires_no_token(store: Store) -> None:
    store.access.create_person("ana")
    secret = store.access.issue_token("person:ana", days=1).secret
    clock = store.access._clock
    clock.set(clock.now() + timedelta(days=365))  # type: ignore[attr-defined]
    assert store.access.authenticate(secret).id == "person:ana"


def test_revocation_is_seen_by_other_processes_at_once(store: Store) -> None:
    other = type(store)(store.path, store.machine_clock)
    store.access.create_person("ana", ["viewer"])
    issued = store.access.issue_token("person:ana")
    other.access.authenticate(issued.secret)
    assert other.access.may("person:ana", "run:read", "default")
    store.access.revoke_token(issued.token.id)
    store.access.revoke("person:ana", "viewer")
    with pytest.raises(Unauthenticated):
        other.access.authenticate(issued.secret)
    assert not other.access.may("person:ana", "run:read", "default")
    other.rows.close()


def test_last_use_is_kept_to_ten_minutes(store: Store) -> None:
    store.access.create_person("ana")
    issued = store.access.issue_token("person:ana")
    start = store.machine_clock.now()
    seen = []
    for minutes in (0, 9, 11, 12):
        store.machine_clock.set(start + timedelta(minutes=minutes))
        store.access.authenticate(issued.secret)
        (token,) = store.access.tokens("person:ana")
        assert token.last_used_at is not None
        seen.append((token.last_used_at - start) // timedelta(minutes=1))
    assert seen == [0, 0, 11, 11]


def test_a_named_token_replaces_the_one_before(store: Store) -> None:
    access = store.access
    access.create_service("ci", ["engineer"])
    first, second = access.issue_token("service:ci", name="github"), access.issue_token("service:ci", name="github")
    with pytest.raises(Unauthenticated):
        access.authenticate(first.secret)
    access.authenticate(second.secret)
    assert [token.revoked for token in sorted(access.tokens("service:ci"), key=lambda t: t.revoked)] == [False, True]


def test_refusals_say_why(store: Store) -> None:
    access = store.access
    access.create_person("ana")
    with pytest.raises(NotFound) as error:
        access.issue_token("person:anna")
    assert "person:ana" in error.value.hint
    with pytest.raises(Invalid):
        access.issue_token("person:ana", days=0)
    with pytest.raises(NotFound):
        access.revoke_token("nothing")
    access.disable("person:ana")
    with pytest.raises(Conflict):
        access.issue_token("person:ana")


def test_a_lesser_administrator_cannot_speak_for_a_greater(store: Store) -> None:
    access = store.access
    access.create_person("lead", ["project_admin"])
    admins = [token.id for token in access.tokens("person:admin")]
    with calling(Caller(actor="person:lead")):
        with pytest.raises(Denied):
            access.issue_token("person:admin")
        with pytest.raises(Denied):
            access.revoke_token(admins[0])
        assert access.issue_token("person:lead").secret, "for oneself, always"


def test_no_secret_reaches_the_ledger(store: Store) -> None:
    store.access.create_person("ana")
    issued = store.access.issue_token("person:ana", name="laptop")
    page = store.ledger.events()
    assert issued.token.id in repr(page)
    assert issued.secret[15:47] not in repr(page)
