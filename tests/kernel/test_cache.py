"""Kept: results that are remembered while they are small enough together."""

from __future__ import annotations

import numpy as np

from ostinato.kernel.cache import cached


def test_what_was_asked_for_last_stays_within_the_bytes() -> None:
    made: list[int] = []

    @cached(100)
    def zeros(size: int) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
        made.append(size)
        return np.zeros(size, np.uint8)

    assert zeros(40) is zeros(40)
    zeros(50), zeros(40), zeros(30)  # 120 bytes: 50 was asked for before 40 was again
    zeros(40), zeros(30)
    assert made == [40, 50, 30]
    zeros(50)
    assert made == [40, 50, 30, 50]


def test_what_is_too_large_by_itself_drives_nothing_out() -> None:
    made: list[int] = []

    @cached(100)
    def zeros(size: int) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
        made.append(size)
        return np.zeros(size, np.uint8)

    zeros(90), zeros(101), zeros(101), zeros(90)
    assert made == [90, 101, 101]
