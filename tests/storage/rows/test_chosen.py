"""A folder that has lost a part of its store is told so: never does a new, empty store take its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ostinato.app import Ostinato
from ostinato.kernel.errors import Conflict, Corrupt


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a store on SQLite, closed."""
    monkeypatch.delenv("OSTINATO_DATABASE_URL", raising=False)
    Ostinato.open(tmp_path / "store").close()
    return tmp_path / "store"


@pytest.mark.parametrize(
    ("lose", "said"),
    [
        (lambda data: (data / "ostinato.db").unlink(), "ostinato.db is lost"),
        (lambda data: (data / "ostinato.db").write_bytes(b""), "ostinato.db is lost"),
        (lambda data: (data / "ledger-key").unlink(), "ledger-key is lost"),
        (lambda data: (data / "ledger-key").write_bytes(b"junk"), "ledger-key holds no key"),
    ],
)
def test_what_is_lost_is_not_made_anew(store: Path, lose: Callable[[Path], object], said: str) -> None:
    lose(store)
    with pytest.raises(Corrupt, match=said) as caught:
        Ostinato.open(store)
    assert "backup" in caught.value.hint


def test_a_key_of_another_store_is_refused(store: Path) -> None:
    (store / "ledger-key").write_bytes(b"k" * 32)
    with pytest.raises(Conflict, match="another ledger-key") as caught:
        Ostinato.open(store)
    assert "backup" in caught.value.hint


def test_a_store_on_sqlite_is_not_begun_anew_on_postgresql(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSTINATO_DATABASE_URL", "postgresql://u:p@127.0.0.1:1/d")
    with pytest.raises(Conflict, match="not in PostgreSQL") as caught:
        Ostinato.open(store)
    assert "restore" in caught.value.hint
