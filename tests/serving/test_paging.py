"""A page of answers, one answer and the traffic of a day read as little of a long log as of a short one, and say the same as all of it."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest

from ostinato.kernel.instant import micros_of
from ostinato.serving import prediction_table, request_stats
from ostinato.serving.plane import paging
from ostinato.serving.plane.log import batch_rows, read, write_segment

T0 = datetime(2013, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def batch(folder: Path, number: int, start: datetime, rows: int, step: timedelta, name: str = "r") -> None:
    """A segment of answers to r000-0000, r000-0001, …, one each `step`."""
    ids = [f"{name}{number:03d}-{row:04d}" for row in range(rows)]
    features = {"distance": pa.chunked_array([[float(row) for row in range(rows)]])}
    found = batch_rows(ids, [start + row * step for row in range(rows)], [0.5] * rows, features, 1, "k")
    write_segment(folder / f"segment-batch-{number:016x}-00000.parquet", found)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Each group that is read, as the name of its segment and its number."""
    seen: list[tuple[str, int]] = []
    whole = paging.read_groups

    def counting(segment: Path, numbers: list[int]) -> pa.Table:
        seen.extend((segment.name, number) for number in numbers)
        return whole(segment, numbers)

    monkeypatch.setattr(paging, "read_groups", counting)
    return seen


@pytest.mark.parametrize("days", [3, 60])
def test_a_page_reads_the_groups_that_it_shows_however_long_the_log_is(tmp_path: Path, counted: list[Any], days: int) -> None:
    for day in range(days):
        batch(tmp_path, day, T0 + day * 24 * HOUR, 100, HOUR / 10)
    for newest_first, first in ((True, days - 1), (False, 0)):
        counted.clear()
        found = prediction_table.page(tmp_path, None, None, 10, newest_first=newest_first)
        assert found.num_rows == 10
        assert found["request_id"][0].as_py() == f"r{first:03d}-{99 if newest_first else 0:04d}"
        assert len(counted) == 1
    counted.clear()
    assert prediction_table.page(tmp_path, None, T0 + 30 * HOUR, 10, newest_first=True)["request_id"][0].as_py() == "r001-0059"
    assert len(counted) == 1
    counted.clear()
    assert prediction_table.page(tmp_path, None, None, 10, rollout="01X").num_rows == 0
    assert counted == []
    assert prediction_table.find_prediction(tmp_path, "r001-0042")["distance"].to_pylist() == [42.0]
    assert len(counted) == 1
    assert prediction_table.find_prediction(tmp_path, "other").num_rows == 0
    assert len(counted) == 1


def test_of_a_large_segment_only_the_groups_of_the_page_are_read(tmp_path: Path, counted: list[Any]) -> None:
    batch(tmp_path, 0, T0, 12_000, timedelta(minutes=1))
    assert prediction_table.page(tmp_path, None, None, 5, newest_first=True)["distance"].to_pylist() == [
        11_999.0,
        11_998.0,
        11_997.0,
        11_996.0,
        11_995.0,
    ]
    assert [number for _, number in counted] == [2]
    counted.clear()
    assert prediction_table.find_prediction(tmp_path, "r000-5000")["distance"].to_pylist() == [5000.0]
    assert [number for _, number in counted] == [1]


def test_the_traffic_of_a_day_reads_the_segments_of_that_day_and_those_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for day in range(40):
        batch(tmp_path, day, T0 + day * 24 * HOUR, 10, HOUR)
    read_: list[str] = []
    whole = request_stats.pq.read_table

    def counting(path: Path, **how: Any) -> pa.Table:
        read_.append(path.name)
        return whole(path, **how)

    monkeypatch.setattr(request_stats.pq, "read_table", counting)
    for _ in range(2):
        assert len(request_stats.request_stats(tmp_path, T0 + 24 * HOUR, T0 + 48 * HOUR).at) == 10
    assert len(read_) == 1


def lines(folder: Path, name: str, rows: list[dict[str, Any]]) -> None:
    fixed: dict[str, Any] = {"key": None, "role": "stable", "ms": 1.0, "note": ""}
    (folder / name).write_bytes(b"".join(orjson.dumps(fixed | row) + b"\n" for row in rows))


@pytest.mark.parametrize("seed", range(6))
def test_pages_are_parts_of_the_whole(tmp_path: Path, seed: int) -> None:
    """Segments that overlap and tie, failures, both sides of a rollout, a request that is repeated next to itself, and open lines."""
    chance = random.Random(seed)
    for number in range(6):
        batch(tmp_path, number, T0 + chance.randrange(20) * HOUR, 12, HOUR * chance.randrange(3), name="b")
    open_ = []
    for place in range(90):
        rollout = chance.choice([None, "01A", "01B"])
        at, id_ = micros_of(T0 + chance.randrange(40) * HOUR), f"o{place:02d}"
        status = chance.choice(["answered", "answered", "failed"])
        same = {"id": id_, "at": at, "rollout": rollout, "version": 2}
        open_.append(same | {"kind": "answer", "status": status, "scores": [0.5 if status == "answered" else None], "features": None})
        if chance.random() < 0.2:
            open_.append(open_[-1])
        if rollout:
            open_.append(same | {"kind": "other", "status": "answered", "scores": [0.25], "features": None})
    lines(tmp_path, "wal-000001.jsonl", open_)
    for rollout in (None, "01A"):
        since, until = T0 + 3 * HOUR, T0 + 30 * HOUR
        whole = prediction_table.frame(tmp_path, since, until).select(prediction_table.COLUMNS[:10]).to_pylist()
        whole = [row for row in whole if rollout in (None, row["rollout"])]
        assert len({row["request_id"] for row in whole}) == len(whole) > 1
        assert all((row["other_score"] == 0.25) == (row["rollout"] is not None) for row in whole)
        for limit in (1, 7, 500):
            oldest = prediction_table.page(tmp_path, since, until, limit, rollout=rollout).select(prediction_table.COLUMNS[:10]).to_pylist()
            newest = (
                prediction_table.page(tmp_path, since, until, limit, newest_first=True, rollout=rollout)
                .select(prediction_table.COLUMNS[:10])
                .to_pylist()
            )
            assert oldest == whole[:limit]
            assert newest == whole[::-1][:limit]
    assert prediction_table.find_prediction(tmp_path, "b003-0004").num_rows == 1
    assert read(tmp_path).num_rows == 6 * 12 + len(open_)
