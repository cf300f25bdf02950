"""Frames: points come back as they were logged, whole or page by page, whether they were compacted or not."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from ostinato.app import Ostinato
from ostinato.kernel.errors import Invalid, NotFound, TooLarge
from ostinato.testing.fixtures import both
from ostinato.tracking.service import Runs
from ostinato.tracking.types import MetricFrame

__all__ = ["both"]
Point = tuple[str, int, int, int]


def points(frame: MetricFrame) -> list[Point]:
    """The points, with the bits of their values."""
    keys = [frame.keys[key] for key in np.frombuffer(frame.key, "<u4").tolist()]
    columns = (np.frombuffer(frame.steps, "<i8"), np.frombuffer(frame.times_us, "<i8"), np.frombuffer(frame.values, "<i8"))
    return list(zip(keys, *(column.tolist() for column in columns), strict=True))


def paged(runs: Runs, run: str, key: str, limit: int) -> list[Point]:
    found: list[Point] = []
    after = None
    while page := points(runs.frame(run, key, after_step=after, limit=limit)):
        assert all(after is None or step > after for _, step, _, _ in page)
        found += page
        after = page[-1][1]
    return found


@pytest.mark.parametrize("seed", range(4))
def test_pages_are_all_points_in_the_order_of_steps(runs: Runs, seed: int) -> None:
    chance = random.Random(seed)
    runs.start("night", id="a")
    logged: list[tuple[str, int, int, float]] = []
    for seq in range(chance.choice((3, 90))):
        batch = [
            (chance.choice("ab"), chance.randrange(-50, 400), chance.randrange(10**6), chance.choice((math.nan, math.inf, chance.random())))
            for _ in range(chance.choice((1, 200)))
        ]
        runs.log("a", "c", seq, MetricFrame.of(batch))
        logged += batch
    if chance.random() < 0.7:
        runs.finish("a")
    for key in "ab":
        expected = [point for point in points(MetricFrame.of(logged)) if point[0] == key]
        by_step = sorted(expected, key=lambda point: point[1])
        for limit in (1, 7, 1000, 100_000):
            assert paged(runs, "a", key, limit) == by_step, "equal steps in the order of their arrival"
        assert [point for point in points(runs.frame("a")) if point[0] == key] == expected, "whole, in the order of arrival"


def test_a_page_reads_no_more_than_it_needs(runs: Runs) -> None:
    runs.start("night", id="a")
    for seq in range(10):
        steps = range(seq * 10_000, seq * 10_000 + 10_000)
        runs.log("a", "c", seq, MetricFrame.of([("loss", step, step, float(step)) for step in steps]))
    runs.finish("a")
    page = points(runs.frame("a", "loss", after_step=20_000, limit=5_000))
    assert (page[0][1], 0 < len(page) <= 5_000 + 2 * 4096) == (20_001, True)
    for limit in (1, 100, 4096, 5_000):
        steps = [step for _, step, _, _ in paged(runs, "a", "loss", limit)]
        assert (len(steps), steps == list(range(100_000))) == (100_000, True), "chunks end where pages do"


def test_what_is_too_much_or_not_there(both: Ostinato) -> None:
    both.runs.start("night", id="a")
    both.runs.log("a", "c", 0, MetricFrame.of([("loss", step, step, float(step)) for step in range(100)]))
    with pytest.raises(TooLarge, match="has 100 points"):
        both.runs.frame("a", limit=99)
    with pytest.raises(Invalid):
        both.runs.frame("a", limit=0)
    with pytest.raises(NotFound):
        both.runs.frame("none")
    assert points(both.runs.frame("a", "none")) == []
    assert len(points(both.runs.frame("a", limit=100))) == 100
