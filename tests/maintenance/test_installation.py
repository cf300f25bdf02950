"""Installation: what serves a store, where its content lies and what it takes; for administrators of the store alone."""

from __future__ import annotations

import platform
from importlib.metadata import version
from pathlib import Path

import pytest

from ostinato.app import Ostinato
from ostinato.kernel.errors import NotFound
from ostinato.maintenance.installation import describe


def test_what_takes_space_is_told_with_the_largest_first(app: Ostinato, tmp_path: Path) -> None:
    data = app.settings.data
    (data / "large").mkdir()
    for name in ("one", "two"):
        (data / "large" / name).write_bytes(b"x" * 30_000_000)
    (data / "elsewhere").symlink_to(tmp_path)
    found = describe(data)
    assert [(used.name, used.files, used.size) for used in found.used[:1]] == [("large/", 2, 60_000_000)]
    assert [used.size for used in found.used] == sorted((used.size for used in found.used), reverse=True)
    assert "elsewhere/" not in {used.name for used in found.used}
    assert 0 < found.free < found.disk


def test_versions_storage_and_diagnosis_are_told(app: Ostinato) -> None:
    found = describe(app.settings.data)
    assert (found.version, found.python) == (version("ostinato"), platform.python_version())
    assert (found.rows.split()[0], found.blobs, found.encrypted) == ("SQLite", "files", False)
    assert found.diagnosis.ok
    assert {"blobs", "logs", "extras"}.isdisjoint(found.diagnosis.checks), "a page neither reads all bytes nor loads libraries"


def test_where_no_store_is_nothing_is_described(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        describe(tmp_path / "nowhere")
