"""What stands on rows, by itself."""

from __future__ import annotations

import pytest

from ostinato.storage.rows.rows import Rows
from ostinato.storage.series.series import Series


@pytest.fixture
def series(rows: Rows) -> Series:
    return Series(rows)
