"""Outlines: what a plot draws is what lies in each stretch; the oracle adds up the points one by one, exactly."""

from __future__ import annotations

import math
import random
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostinato.storage.series.outline import gathered, raw, shift_of
from ostinato.storage.series.points import Points
from ostinato.storage.series.series import Series
from ostinato.testing.outlines import check

INT64 = st.integers(-(2**63), 2**63 - 1)
VALUES = st.one_of(st.floats(width=64), st.sampled_from([math.nan, math.inf, -math.inf, 1.7976931348623157e308, 5e-324]))


@given(st.lists(st.tuples(INT64 | st.integers(-50, 50), VALUES), max_size=60), st.integers(0, 63), st.integers(0, 63))
def test_cells_of_a_narrow_width_add_up_to_those_of_a_wider_one(points: list[tuple[int, float]], narrow: int, wide: int) -> None:
    narrow, wide = sorted((narrow, wide))
    cells = raw(np.array([x for x, _ in points], np.int64), np.array([v for _, v in points], np.float64))
    directly, by_steps = gathered(cells, wide), gathered(gathered(cells, narrow), wide)
    for column in ("x", "n", "low", "high"):
        np.testing.assert_array_equal(directly[column], by_steps[column])
    most = max((abs(v) for _, v in points if math.isfinite(v)), default=0.0)
    np.testing.assert_allclose(directly["mean"], by_steps["mean"], rtol=1e-9, atol=most * 1e-12)


@given(st.integers(1, 2**64), st.integers(2, 10_000))
def test_a_shift_is_the_least_that_reaches(span: int, cells: int) -> None:
    shift = shift_of(span, cells)
    assert cells << shift >= span
    assert shift == 0 or cells << (shift - 1) < span


def append(series: Series, seq: int, points: list[tuple[int, int, float]]) -> None:
    columns = [np.array(column, np.int64) for column in zip(*((step, at) for step, at, _ in points), strict=True)]
    value = np.array([v for *_, v in points])
    series.append(
        "p", "r", "c", seq, Points(keys=["a"], key=np.zeros(len(value), np.uint32), step=columns[0], at=columns[1], value=value), bool
    )


@pytest.mark.parametrize("seed", range(4))
def test_outlines_are_what_the_points_say_wherever_they_lie(series: Series, seed: int) -> None:
    chance = random.Random(seed)
    points: list[tuple[int, int, float]] = []
    for seq in range(30):
        start, stride = chance.choice([len(points), chance.randrange(20_000), -(10**12)]), chance.choice([1, 1, 7, 1000])
        batch = [(start + i * stride, 10**15 + (len(points) + i) * 50_000, chance.gauss(0, 1)) for i in range(600)]
        if seq % 3 == 0:
            chance.shuffle(batch)
        if seq % 5 == 0:
            batch[chance.randrange(600)] = (0, 0, chance.choice([math.nan, math.inf, -math.inf]))
        if seq == 7:
            batch = [(step, at + 10**12, math.nan) for step, at, _ in batch]
        append(series, seq, batch)
        points += batch
        if seq == 24:
            series.compact("p", "r")
    for x in ("step", "time"):
        drawn = [(step if x == "step" else at, value) for step, at, value in points]
        places = sorted(place for place, _ in drawn)
        for _ in range(30):
            asked = chance.choice([2, 10, 200, 1000])
            low, high = sorted((chance.choice(places) + chance.randrange(-5, 5), chance.choice(places)))
            check(series.outline("p", "r", "a", x, low, high, asked), drawn, low, high, asked)
        check(series.outline("p", "r", "a", x, points=500), drawn, -(2**63), 2**63 - 1, 500)
    assert series.outline("p", "r", "b").x.tolist() == []
    assert series.outline("p", "r", "a", low=10**17).x.tolist() == []


def test_a_million_points_are_drawn_in_milliseconds(series: Series) -> None:
    batch = 50_000
    for seq in range(20):
        step = np.arange(seq * batch, (seq + 1) * batch)
        value = np.sin(step / 1e5)
        series.append("p", "r", "c", seq, Points(keys=["a"], key=np.zeros(batch, np.uint32), step=step, at=step * 1000, value=value), bool)
    series.compact("p", "r")
    took = []
    for x in ("step", "time", "step"):
        before = time.thread_time()
        found = series.outline("p", "r", "a", x, points=1000)
        took.append(time.thread_time() - before)
        assert 500 <= len(found.x) <= 1001
    assert max(took) < 0.1
    whole = np.sin(np.arange(1024) / 1e5)
    assert (found.width, found.low[0], found.high[0]) == (1024, whole[0], whole[-1])
    near = series.outline("p", "r", "a", low=500_000, high=500_999, points=1000)
    assert (near.width, near.x.tolist()) == (1, list(range(500_000, 501_000)))
    assert near.low.tobytes() == near.high.tobytes() == near.mean.tobytes() == np.sin(near.x / 1e5).tobytes()
