"""The outline that a plot draws, compared with the points one by one; means are added up exactly."""

from __future__ import annotations

import math
from collections import defaultdict
from fractions import Fraction

from ostinato.storage.series.outline import Outline


def check(found: Outline, points: list[tuple[int, float]], low: int, high: int, asked: int) -> None:
    """Hold an outline from `low` to `high`, of which `asked` points were wanted, against the points (x, value) that there are."""
    width = found.width
    assert width.bit_count() == 1
    assert len(found.x) <= asked + 3
    assert width == 1 or len(points) > asked
    stretches: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for x, value in points:
        if low // width <= x // width <= high // width:
            stretches[x // width].append((x, value))
    if not any(low <= x <= high for x, _ in points) and not len(found.x):
        return
    assert found.x.tolist() == [float(min(x for x, _ in stretches[place])) for place in sorted(stretches)]
    for i, place in enumerate(sorted(stretches)):
        there = [value for _, value in stretches[place] if not math.isnan(value)]
        row = (found.low[i], found.high[i], found.mean[i])
        if not there:
            assert all(map(math.isnan, row))
            continue
        assert row[:2] == (min(there), max(there))
        expected = _mean(there)
        assert (math.isnan(expected) and math.isnan(row[2])) or math.isclose(row[2], expected, rel_tol=1e-9, abs_tol=_scale(there))


def _scale(values: list[float]) -> float:
    return max((abs(v) * 1e-12 for v in values if math.isfinite(v)), default=0.0)


def _mean(values: list[float]) -> float:
    endless = {v for v in values if math.isinf(v)}
    if endless:
        return endless.pop() if len(endless) == 1 else math.nan
    return float(sum(map(Fraction, values)) / len(values))
