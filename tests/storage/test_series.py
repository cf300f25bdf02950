"""Series: exact to the bit, once each, in order; the oracle is plain Python."""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from sqlalchemy import select

from ostinato.kernel.errors import Conflict, Invalid
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.storage.series import latest
from ostinato.storage.series import series as module
from ostinato.storage.series.curve import Curve
from ostinato.storage.series.points import Points
from ostinato.storage.series.series import ONCE, Series, client


class Point(NamedTuple):
    key: str
    step: int
    at: int
    value: float


def points(batch: list[Point]) -> Points:
    keys = sorted({p.key for p in batch})
    return Points(
        keys=keys,
        key=np.array([keys.index(p.key) for p in batch], np.uint32),
        step=np.array([p.step for p in batch], np.int64),
        at=np.array([p.at for p in batch], np.int64),
        value=np.array([p.value for p in batch], np.float64),
    )


def append(series: Series, seq: int, batch: list[Point], client: str = "c", run: str = "r", project: str = "p") -> None:
    series.append(project, run, client, seq, points(batch), lambda tx: None)


def some(chance: random.Random, n: int) -> list[Point]:
    values = [0.0, -0.0, math.nan, math.inf, -math.inf, 5e-324, 1.7976931348623157e308]
    steps = [-(2**63), 2**63 - 1, 0]
    return [
        Point(
            chance.choice("ab"),
            chance.choice(steps) if chance.random() < 0.05 else chance.randrange(-50, 5000),
            chance.randrange(2**62),
            chance.choice(values) if chance.random() < 0.2 else chance.gauss(0, 1),
        )
        for _ in range(n)
    ]


def same(curve: Curve, expected: list[Point]) -> bool:
    return (
        curve.step.tolist() == [p.step for p in expected]
        and curve.at.tolist() == [p.at for p in expected]
        and curve.value.tobytes() == np.array([p.value for p in expected], "<f8").tobytes()
    )


@pytest.mark.parametrize("seed", range(3))
def test_all_points_come_back_bit_for_bit_before_and_after_compaction(series: Series, seed: int) -> None:
    chance = random.Random(seed)
    batches = [some(chance, chance.randrange(1, 400)) for _ in range(150)]
    for seq, batch in enumerate(batches):
        append(series, seq, batch)
        if chance.random() < 0.2:
            append(series, seq, batch)
    for _ in range(2):
        for key in "ab":
            timed = sorted((p for batch in batches for p in batch if p.key == key), key=lambda p: p.at)
            for low, limit in ((timed[0].at, 1), (timed[len(timed) // 2].at, 700), (timed[-1].at + 1, 5), (0, 0)):
                found, beyond = series.stretch("p", "r", key, "time", low, limit, 10), [p for p in timed if p.at >= low]
                count = len(found.at)
                assert same(found, beyond[:count])
                assert count >= min(limit or len(beyond), len(beyond))
                assert count == len(beyond) or beyond[count].at // 10 > beyond[count - 1].at // 10, "none of the last ten are left"
            expected = sorted((p for batch in batches for p in batch if p.key == key), key=lambda p: p.step)
            assert same(series.read("p", "r", key), expected)
            assert same(series.read("p", "r", key, after_step=100), [p for p in expected if p.step > 100])
            latest = series.latest("p", "r")[key]
            real = [p.value for p in expected if not math.isnan(p.value)]
            top = max(expected, key=lambda p: (p.step, p.at, -math.inf if math.isnan(p.value) else p.value))
            assert (latest.step, latest.at, latest.n) == (top.step, top.at, len(expected))
            assert np.float64(latest.last).tobytes() == np.float64(top.value).tobytes() or latest.last == top.value
            assert (latest.min, latest.max) == (min(real), max(real))
        series.compact("p", "r")


def test_pages_never_cut_a_step(series: Series) -> None:
    batch = [Point("a", i // 3, i, float(i)) for i in range(30)]
    append(series, 0, batch)
    seen: list[int] = []
    after = None
    while len(page := series.read("p", "r", "a", after_step=after, limit=4).at):
        assert len(page) in (3, 6)
        seen += page.tolist()
        after = seen[-1] // 3
    assert seen == list(range(30))


def test_a_batch_is_kept_once_and_none_may_be_missing(series: Series) -> None:
    append(series, 0, [Point("a", 0, 0, 1.0)])
    append(series, 0, [Point("a", 0, 0, 1.0)])
    with pytest.raises(Conflict, match="other points"):
        append(series, 0, [Point("a", 0, 0, 2.0)])
    with pytest.raises(Conflict, match="missing"):
        append(series, 2, [Point("a", 0, 0, 2.0)])
    append(series, 1, [Point("a", 1, 0, 2.0)])
    series.compact("p", "r")
    append(series, 0, [Point("a", 0, 0, 1.0)])
    append(series, 0, [Point("a", 1, 0, 3.0)], client="another")
    assert series.read("p", "r", "a").value.tolist() == [1.0, 2.0, 3.0]
    assert series.latest("p", "r")["a"].n == 3


def test_of_clients_that_send_once_a_run_remembers_the_newest(series: Series, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    def known(run: str) -> list[str]:
        return sorted(row.client for row in rows.read(lambda tx: tx.all(select(client.c.client).where(client.c.run == run))))

    monkeypatch.setattr(module, "_ONCE_MAX", 5)
    monkeypatch.setattr(module, "_ONCE_ENDED_MAX", 2)
    for run in ("r", "other"):
        for i in range(8):
            append(series, 0, [Point("a", i, i, float(i))], f"{ONCE}{i}", run)
        append(series, 0, [Point("b", 0, 0, 0.0)], "counting", run)
    append(series, 0, [Point("a", 3, 3, 3.0)], f"{ONCE}3")
    series.compact("p", "r")
    assert known("r") == ["counting", *(f"{ONCE}{i}" for i in range(3, 8))]
    series.compact("p", "r", ended=True)
    assert known("r") == ["counting", f"{ONCE}6", f"{ONCE}7"], "also where nothing waits"
    append(series, 0, [Point("a", 7, 7, 7.0)], f"{ONCE}7")
    append(series, 1, [Point("b", 1, 1, 1.0)], "counting")
    assert series.read("p", "r", "a").step.tolist() == list(range(8))
    assert len(known("other")) == 9


def test_a_guard_that_refuses_keeps_nothing(series: Series) -> None:
    def refuse(_: object) -> None:
        raise Invalid("no")

    with pytest.raises(Invalid):
        series.append("p", "r", "c", 0, points([Point("a", 0, 0, 1.0)]), refuse)
    assert series.latest("p", "r") == {}
    append(series, 0, [Point("a", 0, 0, 1.0)])


def test_projects_and_runs_do_not_see_one_another(series: Series) -> None:
    append(series, 0, [Point("a", 0, 0, 1.0)])
    append(series, 0, [Point("a", 0, 0, 2.0)], project="q")
    append(series, 0, [Point("a", 0, 0, 3.0)], run="s")
    assert series.read("p", "r", "a").value.tolist() == [1.0]
    assert series.read("q", "r", "a").value.tolist() == [2.0]
    assert set(series.latest("q", "r")) == {"a"}
    assert series.latest("q", "s") == {}


def test_a_race_of_compactions_loses_and_doubles_nothing(series: Series) -> None:
    for seq in range(40):
        append(series, seq, [Point("a", seq * 10 + i, 0, 1.0) for i in range(10)])
    threads = [threading.Thread(target=series.compact, args=("p", "r")) for _ in range(6)]
    for thread in threads:
        thread.start()
    for seq in range(40, 60):
        append(series, seq, [Point("a", seq * 10 + i, 0, 1.0) for i in range(10)])
    for thread in threads:
        thread.join()
    series.compact("p", "r")
    assert series.read("p", "r", "a").step.tolist() == list(range(600))


class Interrupted:
    """Rows that let something happen between what a compaction reads and what it writes."""

    def __init__(self, rows: Rows, happens: Callable[[], None]) -> None:
        self._rows = rows
        self._happens: list[Callable[[], None]] = [happens]

    def read(self, query: Callable[[Tx], Any]) -> Any:
        found = self._rows.read(query)
        if hasattr(found, "merged") and self._happens:
            self._happens.pop()()
        return found

    def write(self, change: Callable[[Tx], Any]) -> Any:
        return self._rows.write(change)


def test_a_compaction_that_is_overtaken_takes_nothing_that_came_since(rows: Rows) -> None:
    series = Series(rows)
    sent = [[Point("a", seq, seq, float(seq))] for seq in range(10)]
    for seq in range(5):
        append(series, seq, sent[seq])

    def faster() -> None:
        series.compact("p", "r")
        for seq in range(5, 10):  # in rows of which a database might say that they are those of before
            append(series, seq, sent[seq])

    interrupted: Any = Interrupted(rows, faster)
    Series(interrupted).compact("p", "r")
    assert series.read("p", "r", "a").step.tolist() == list(range(10))
    assert series.latest("p", "r")["a"].n == 10
    series.compact("p", "r")
    assert series.read("p", "r", "a").step.tolist() == list(range(10))
    assert series.latest("p", "r")["a"].n == 10


def test_what_is_settled_is_told_once_for_many_batches(series: Series) -> None:
    def told() -> dict[str, int]:
        return {r.run: r.n for r in series._rows.read(lambda tx: tx.all(select(latest.latest)))}

    for seq in range(15):
        for run in "rs":
            append(series, seq, [Point("a", seq, 0, 1.0)], run=run)
    append(series, 0, [Point("a", 0, 0, 1.0)], project="q")
    assert told() == {}
    assert (series.latest("p", "r")["a"].step, series.latest("p", "s")["a"].n) == (14, 15)
    series.settle("p")
    assert told() == {"r": 15, "s": 15}
    series.settle("p")
    append(series, 15, [Point("a", 15, 0, 1.0)])
    assert told() == {"r": 16, "s": 15}, "after 16 batches nobody has to ask"


def test_thinning_keeps_ends_and_extremes() -> None:
    value = np.sin(np.arange(100_000) / 500)
    value[12_345], value[54_321], value[77] = 40.0, -40.0, math.nan
    whole = Curve(step=np.arange(100_000), at=np.arange(100_000), value=value)
    thin = whole.thinned(400)
    assert len(thin.step) <= 400
    assert {0, 12_345, 54_321, 99_999} <= set(thin.step.tolist())
    assert whole.thinned(1_000_000) is whole


def test_frames_that_do_not_fit_together_are_refused() -> None:
    def make(keys: list[str], key: list[int], n: int) -> Points:
        columns = np.zeros(n, np.int64)
        return Points(keys=keys, key=np.array(key, np.uint32), step=columns, at=columns, value=columns.astype(float))

    for keys, key, n in ((["a"], [0], 2), (["a"], [1], 1), (["a", "a"], [0], 1)):
        with pytest.raises(Invalid):
            make(keys, key, n)
