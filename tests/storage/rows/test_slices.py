"""The slices on PostgreSQL: a selection of their own tests, run again with `OSTINATO_TEST_ROWS=postgres`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]
CHOSEN = (
    "access/test_custom_roles.py", "ledger/test_lineage.py", "data/test_datasets.py", "tracking/test_runs.py",
    "pipelines/test_recovery.py", "pipelines/test_triggers.py", "registry/test_alias.py",
)  # fmt: skip


@pytest.mark.slow
def test_the_slices_do_on_postgresql_what_they_do_on_sqlite() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "pytest", *(str(TESTS / name) for name in CHOSEN), "-q", "-p", "no:cacheprovider", "-p", "no:xdist"],
        capture_output=True, text=True, timeout=280, cwd=TESTS.parent, env=os.environ | {"OSTINATO_TEST_ROWS": "postgres"},
    )  # fmt: skip
    assert told.returncode == 0, told.stdout[-8000:]
