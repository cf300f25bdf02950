"""R27: a training set, the online store and the definition give the same bits, whatever the order in which events came."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pytest

from ostinato.features.history import row_ids
from ostinato.features.online import sqlite
from ostinato.features.types import Feature, FeatureView

START = datetime(2013, 1, 1, tzinfo=UTC)
WINDOWS = (None, 1, 5, 24.5, 200)
Rows = list[dict[str, Any]]


def view(name: str = "v", entity: str = "who") -> FeatureView:
    """Every kind of feature over every window."""
    features = [Feature(name=f"n{i}", kind="count", window_hours=w) for i, w in enumerate(WINDOWS)]
    for kind in ("last", "mean", "sum", "count"):
        for column in ("whole", "number"):
            features += [Feature(name=f"{kind}_{column}{i}", kind=kind, column=column, window_hours=w) for i, w in enumerate(WINDOWS)]  # type: ignore[arg-type]
    return FeatureView(name=name, dataset="events", entity=[entity], timestamp="at", features=features)


def oracle(feature: Feature, rows: Rows, who: str | None, at: datetime, rank: dict[int, int]) -> float | None:
    """The meaning of a feature, row by row in exact arithmetic; `rank` orders the rows of one instant by their row ids."""
    since = datetime.min.replace(tzinfo=UTC) if feature.window_hours is None else at - timedelta(hours=feature.window_hours)
    seen = [r for r in rows if r["who"] is not None and r["who"] == who and r["at"] is not None and since < r["at"] <= at]
    if feature.column is None:
        return float(len(seen))
    seen.sort(key=lambda r: (r["at"], rank[r["id"]]))
    values = [r[feature.column] for r in seen if r[feature.column] is not None]
    if feature.kind == "count":
        return float(len(values))
    if not values:
        return None
    if feature.kind == "last":
        return float(values[-1])
    total = float(sum(Fraction(v) for v in values))
    return total / len(values) if feature.kind == "mean" else total


def drawn(random_: random.Random, size: int) -> list[tuple[str | None, int | None, int, int | None, float | None]]:
    """Events with ties, nulls, negative numbers and fractions."""
    rows: list[tuple[str | None, int | None, int, int | None, float | None]] = []
    for number in range(1, size + 1):
        who = random_.choice(["a", "a", "a", "b", "c", "future", None])
        hour = random_.choice([None, *range(1, 60), *range(1, 60)]) if who != "future" else 10_000
        whole = random_.choice([None, random_.randint(-1000, 1000)])
        fraction = random_.choice([None, random_.uniform(1, 1e6), -random_.uniform(1, 1e3), 0.5, float("nan")])
        rows.append((who, hour, number, whole, fraction))
    return rows


@pytest.mark.parametrize("seed", range(4))
def test_r27_training_set_equals_online_equals_definition(store: Any, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setattr(sqlite, "_PIECE", 7)
    random_ = random.Random(seed)
    table = store.events(drawn(random_, 150))
    store.upload("events", "all", table)
    defined = store.features.define(view())
    rows = [{**r, "number": None if r["number"] != r["number"] else r["number"]} for r in table.to_pylist()]
    ids = row_ids([table["id"]]).tolist()
    rank = {number: place for place, number in enumerate(sorted(table["id"].to_pylist(), key=lambda n: ids[n - 1]))}

    order = list(range(table.num_rows))
    random_.shuffle(order)
    while order:
        batch = [order.pop() for _ in range(min(len(order), random_.randint(1, 40)))]
        pushed = table.take(pa.array(batch))
        store.features.push("v", pushed.to_pydict())
        if random_.random() < 0.3:
            assert store.features.push("v", pushed.to_pydict()).new == 0

    asked = [(who, hour) for who in ("a", "b", "c", "future", "unknown", None) for hour in [0, 1, *random_.sample(range(2, 70), 12)]]
    moments = [START + timedelta(hours=hour) for _, hour in asked]
    spine = pa.table({"at": pa.array(moments, pa.timestamp("us", "UTC")), "who": pa.array([who for who, _ in asked], pa.string())})
    training = store.features.training_set(spine, ["v"])
    online = store.features.online_many(["v"], {"who": [who for who, _ in asked]}, moments)
    assert training.num_rows == len(asked)
    for feature, column in zip(defined.features, defined.names, strict=True):
        expected = [oracle(feature, rows, who, at, rank) for (who, _), at in zip(asked, moments, strict=True)]
        assert training[column].to_pylist() == expected, column
        assert online[column] == expected, column


def test_r27_materialized_equals_pushed(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "_PIECE", 5)
    random_ = random.Random(9)
    rows = drawn(random_, 120)
    store.features.define(view("bulk"))
    store.features.define(view("mixed"))
    random_.shuffle(rows)
    store.upload("events", "one", store.events(rows[:70]))
    store.upload("events", "two", store.events(rows[70:]))
    store.features.push("mixed", store.events(rows[50:]).to_pydict())
    first = store.features.materialize("mixed", "events@2")
    second = store.features.materialize("mixed")
    store.features.materialize("bulk")
    known = sum(who is not None and hour is not None for who, hour, *_ in rows)
    pushed = sum(who is not None and hour is not None for who, hour, *_ in rows[50:])
    assert first.new + second.new + pushed == known + 1
    assert (first.parts, second.parts, store.features.materialize("mixed").parts) == (2, 1, 0)
    asked = [("abc"[i % 3], START + timedelta(hours=i)) for i in range(0, 70, 2)]
    keys, at = {"who": [who for who, _ in asked]}, [at for _, at in asked]
    bulk, mixed = (list(store.features.online_many([name], keys, at).values()) for name in ("bulk", "mixed"))
    assert bulk == mixed


def test_ties_windows_and_the_future(store: Any) -> None:
    """The edges by hand: `at - window` is outside, `at` is inside, and nothing is seen before it happened."""
    features = [Feature(name="n", kind="count", window_hours=2), Feature(name="last", kind="last", column="whole", window_hours=2)]
    store.features.define(FeatureView(name="v", dataset="events", entity=["who"], timestamp="at", features=features))
    table = store.events([("a", 1, 1, 10, None), ("a", 3, 2, 20, None), ("a", 3, 3, 30, None), ("a", 4, 4, None, None)])
    store.upload("events", "all", table)
    store.features.push("v", table.to_pydict())
    ids = row_ids([table["id"]]).tolist()
    tied = 20.0 if ids[1] > ids[2] else 30.0
    edge = timedelta(microseconds=1)
    expected = [
        (START + timedelta(hours=1) - edge, (0.0, None)),
        (START + timedelta(hours=1), (1.0, 10.0)),
        (START + timedelta(hours=3) - edge, (1.0, 10.0)),
        (START + timedelta(hours=3), (2.0, tied)),
        (START + timedelta(hours=4), (3.0, tied)),
        (START + timedelta(hours=5), (1.0, None)),
        (START + timedelta(hours=6), (0.0, None)),
    ]
    spine = pa.table({"when": pa.array([at for at, _ in expected]), "who": ["a"] * len(expected)})
    training = store.features.training_set(spine, ["v"], at="when")
    for place, (at, (n, last)) in enumerate(expected):
        assert store.features.online(["v"], {"who": "a"}, at) == {"v__n": n, "v__last": last}
        assert (training["v__n"][place].as_py(), training["v__last"][place].as_py()) == (n, last)


def test_sums_do_not_round(store: Any) -> None:
    """What drowns in a float sum is kept: 1e12 comes and goes, and the thirds remain."""
    features = [Feature(name="s", kind="sum", column="number"), Feature(name="w", kind="sum", column="number", window_hours=0.5)]
    store.features.define(FeatureView(name="v", dataset="events", entity=["who"], timestamp="at", features=features))
    numbers = [1 + 1 / 3, 1e12 + 0.1, -1e12 - 0.1, 2 + 2 / 3]
    store.features.push("v", store.events([("a", i, i, None, x) for i, x in enumerate(numbers, 1)]).to_pydict())
    found = store.features.online(["v"], {"who": "a"}, START + timedelta(hours=4))
    assert found == {"v__s": float(sum(Fraction(x) for x in numbers)), "v__w": 2 + 2 / 3}
    assert found["v__s"] != sum(numbers)


def test_a_training_set_at_an_old_version_does_not_change(store: Any) -> None:
    store.features.define(
        FeatureView(name="v", dataset="events", entity=["who"], timestamp="at", features=[Feature(name="n", kind="count")])
    )
    spine = pa.table({"at": [START + timedelta(hours=9)], "who": ["a"]})
    store.upload("events", "one", store.events([("a", 1, 1, 1, 1.0)]))
    before = store.features.training_set(spine, ["v"])
    store.upload("events", "two", store.events([("a", 2, 2, 1, 1.0)]))
    assert store.features.training_set(spine, ["v"])["v__n"].to_pylist() == [2.0]
    again = store.features.training_set(spine, ["v"], as_of_version={"events": 2})
    assert again == before
    assert again.schema.metadata == {b"ostinato.datasets": b"dataset:events@2"}
