"""Settings that make no sense are refused when they are read, by name and with what to write."""

from __future__ import annotations

import pytest

from ostinato.kernel.errors import Invalid
from ostinato.kernel.settings import Settings


@pytest.mark.parametrize(
    ("name", "text", "hint"),
    [
        ("BODY_LIMIT_MB", "much", "a whole number from 1"), ("BODY_LIMIT_MB", "0", "from 1"), ("WORKERS", "-1", "from 0"),
        ("LEASE_S", "0", "from 1"), ("ENCRYPT", "yes", "0 or 1"), ("OFFLINE", "2", "0 or 1"), ("CPU_HOUR_PRICE", "nan", "a number from 0"),
        ("CPU_HOUR_PRICE", "inf", "from 0"),
    ],
)  # fmt: skip
def test_a_number_beyond_its_range_is_refused(name: str, text: str, hint: str) -> None:
    with pytest.raises(Invalid, match=f"OSTINATO_{name} is '{text}'") as caught:
        Settings.read("store", {f"OSTINATO_{name}": text})
    assert hint in caught.value.hint
    assert caught.value.field == name.lower()


def test_numbers_at_the_edge_of_their_range_are_taken() -> None:
    read = Settings.read(
        "store", {"OSTINATO_WORKERS": "0", "OSTINATO_LEASE_S": "1", "OSTINATO_ENCRYPT": "1", "OSTINATO_CPU_HOUR_PRICE": ".5"}
    )
    assert (read.workers, read.lease_s, read.encrypt, read.cpu_hour_price) == (0, 1, 1, 0.5)
