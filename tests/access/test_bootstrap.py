"""The first start, and every start after it, wherever the one before was killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import Corrupt, Unauthenticated

if TYPE_CHECKING:
    from tests.access.conftest import Store


def _secret(store: Store) -> str:
    return (store.path / "admin-token").read_text().strip()


def test_a_fresh_store_has_one_administrator_with_a_token_in_a_file(store: Store) -> None:
    assert (store.path / "admin-token").stat().st_mode & 0o777 == 0o600
    assert store.access.authenticate(_secret(store)).id == "person:admin"
    assert store.access.may("person:admin", "access:admin", "default")
    assert store.acts() == [
        "project.created project:default", "actor.created person:admin", "role.granted person:admin", "token.issued person:admin",
    ]  # fmt: skip
    assert {event.actor for event in store.ledger.after("x")} == {"service:ostinato"}


def test_another_start_changes_nothing(store: Store) -> None:
    secret, acts = _secret(store), store.acts()
    store.access.bootstrap(store.path)
    assert (_secret(store), store.acts()) == (secret, acts)


def test_killed_between_the_file_and_the_rows(tmp_path: Path, store: Store) -> None:
    interrupted = type(store)(tmp_path / "other")
    (tmp_path / "other" / "admin-token").write_text(_secret(store) + "\n")
    interrupted.access.bootstrap(tmp_path / "other")
    assert interrupted.access.authenticate(_secret(store)).id == "person:admin"
    interrupted.rows.close()


def test_a_deleted_file_brings_a_new_token_and_ends_the_old(store: Store) -> None:
    old = _secret(store)
    (store.path / "admin-token").unlink()
    store.access.bootstrap(store.path)
    assert _secret(store) != old
    assert store.access.authenticate(_secret(store)).id == "person:admin"
    with pytest.raises(Unauthenticated):
        store.access.authenticate(old)


def test_what_an_administrator_took_away_does_not_come_back(store: Store) -> None:
    with calling(Caller(actor="person:admin")):
        store.access.create_person("root", ["admin"])
    with calling(Caller(actor="person:root")):
        store.access.revoke_token(_secret(store)[5:15])
        store.access.revoke("person:admin", "admin")
    store.access.bootstrap(store.path)
    assert not store.access.may("person:admin", "run:read", "default")
    with pytest.raises(Unauthenticated):
        store.access.authenticate(_secret(store))


def test_a_spoilt_file_is_told(store: Store) -> None:
    (store.path / "admin-token").write_text("nonsense")
    with pytest.raises(Corrupt) as error:
        store.access.bootstrap(store.path)
    assert "delete" in error.value.hint


_START = """
import sys
from pathlib import Path
from ostinato.access.service import Access
from ostinato.kernel.clock import SystemClock
from ostinato.ledger.service import Ledger
from ostinato.storage.rows.rows import metadata
from ostinato.storage.rows.sqlite import Sqlite
home = Path(sys.argv[1])
rows = Sqlite(home / "ostinato.db")
rows.create(metadata)
ledger = Ledger(rows=rows, clock=SystemClock(), key_path=home / "ledger-key")
Access(rows=rows, record=ledger.append, clock=SystemClock()).bootstrap(home)
rows.close()
"""


def test_many_first_starts_at_once_make_one_store(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OSTINATO_DATABASE_URL", raising=False)  # four processes on one file
    home = tmp_path / "shared"
    home.mkdir()
    started = [subprocess.Popen([sys.executable, "-c", _START, str(home)]) for _ in range(4)]
    assert [process.wait(timeout=60) for process in started] == [0] * 4
    opened = type(store)(home)
    assert opened.access.authenticate(_secret(opened)).id == "person:admin"
    assert len(opened.acts()) == 4
    opened.rows.close()
