"""What the pages of an endpoint read: traffic, the form, a try, and the verdict of a rollout."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tests.serving.conftest import model

from ostinato.kernel.errors import Invalid, NotFound
from ostinato.kernel.ref import Ref
from ostinato.serving import store as rows_of
from ostinato.serving.plane.log import write_segment
from ostinato.serving.types import Arm, Endpoint, Evidence, Point, Rollout, RolloutPlan, Share, Step
from ostinato.serving.verdict import looked, story

T0 = datetime(2013, 1, 1, tzinfo=UTC)


def answer(at: datetime, id: str, **also: Any) -> dict[str, Any]:
    line = {
        "kind": "answer", "request_id": id, "request": id, "at": at, "key": None, "version": 1, "role": "stable", "rollout": None,
        "status": "answered", "latency_ms": 1.0, "score": 0.5, "note": "", "asked": None,
    }  # fmt: skip
    return line | also


def log_of(shop: Any, lines: list[dict[str, Any]], name: str = "segment-000001.parquet") -> None:
    table = pa.Table.from_pylist(lines)
    table = table.set_column(table.column_names.index("at"), "at", table["at"].cast(pa.timestamp("us", "UTC")))
    table = table.set_column(table.column_names.index("version"), "version", table["version"].cast(pa.int32()))
    for name_of in ("key", "rollout", "asked"):
        table = table.set_column(table.column_names.index(name_of), name_of, table[name_of].cast(pa.string()))
    write_segment(shop.home / "endpoints" / "default" / "late" / "log" / name, table)


@pytest.fixture
def late(shop: Any) -> Any:
    """An endpoint in the rows alone: no plane is needed to look back."""
    made = shop.version(model())
    share = Share(version=made.ref, role="stable", weight=1.0)
    endpoint = Endpoint(name="late", model="late", version=made.ref, shares=[share], rollout=None, created_at=T0, created_by="person:ana")

    def change(tx: Any) -> None:
        rows_of.add_endpoint(tx, "default", endpoint, "salt")
        rows_of.release(tx, "default", "late", [share], None, T0, "person:ana", "")

    shop.rows.write(change)
    return shop


def test_traffic_counts_requests_by_version_and_bin(late: Any) -> None:
    hour = timedelta(hours=1)
    lines = [answer(T0, f"a{i}", latency_ms=float(i)) for i in range(1, 101)]
    lines += [answer(T0 + 2 * hour, "many/0", request="many", version=2), answer(T0 + 2 * hour, "many/1", request="many", version=2)]
    lines += [answer(T0 + 2 * hour, "bad", version=2, status="failed", score=None, latency_ms=900.0)]
    lines += [answer(T0 + 2 * hour, "bulk", version=2, role="batch", latency_ms=0.0)]
    lines += [answer(T0 + 2 * hour, "a1", kind="other", version=2)]
    lines += [answer(T0 + 3 * hour, "later")]
    log_of(late, lines)
    found = late.endpoints.traffic("late", T0, T0 + 3 * hour, bins=3)
    assert found.bin_s == 3600
    one, two = found.versions
    assert (str(one.version), one.requests, one.errors, one.batch) == ("model:late@1", 100, 0, 0)
    assert (one.latency_p50_ms, one.latency_p95_ms, one.latency_p99_ms) == (50.5, pytest.approx(95.05), pytest.approx(99.01))
    assert (str(two.version), two.requests, two.errors, two.batch, two.latency_p95_ms) == ("model:late@2", 3, 1, 1, 1.0)
    assert [(b.start, b.answered.requests) for b in found.bins] == [(T0, 100), (T0 + 2 * hour, 3)]


def test_traffic_of_nothing_and_of_a_wrong_window(late: Any) -> None:
    empty = late.endpoints.traffic("late")
    assert (empty.versions, empty.bins, empty.until - empty.since) == ([], [], timedelta(days=7))
    with pytest.raises(Invalid, match="up to a later one"):
        late.endpoints.traffic("late", T0, T0)
    with pytest.raises(Invalid, match="bins"):
        late.endpoints.traffic("late", bins=0)
    with pytest.raises(NotFound):
        late.endpoints.traffic("none")


def test_the_states_of_endpoints_speak_of_the_last_hours(late: Any) -> None:
    late.clock.set(T0 + timedelta(days=3))
    now = late.clock.now()
    log_of(late, [answer(T0, "old"), answer(now - timedelta(hours=1), "new", latency_ms=7.0), answer(now, "x", status="failed")])
    (state,) = late.endpoints.states()
    assert (state.requests, state.errors, state.latency_p95_ms, state.last_at, state.since) == (2, 1, 7.0, now, T0)
    assert (sum(state.spark), state.spark[-1], len(state.spark)) == (2, 1, 49)
    (state,) = late.endpoints.states(hours=200)
    assert (state.requests, sum(state.spark)) == (3, 3)
    with pytest.raises(Invalid):
        late.endpoints.states(hours=0)


def test_the_form_is_the_schema_of_a_row_and_begins_with_a_recent_answer(late: Any) -> None:
    form = late.endpoints.form("late")
    assert form.example == {}
    assert form.schema["properties"] == {
        "distance": {"type": ["number", "null"]},
        "month": {"type": "integer"},
        "carrier": {"enum": ["AA", "UA", None]},
    }
    assert (form.schema["required"], form.schema["additionalProperties"]) == (["distance", "month", "carrier"], False)
    features = {"feature.distance": 3.0, "feature.month": 2, "feature.carrier": "UA"}
    log_of(late, [answer(T0, "a", **features | {"feature.month": 1}), answer(T0, "b", **features)])
    assert late.endpoints.form("late").example == {"distance": 3.0, "month": 2, "carrier": "UA"}


def test_a_try_answers_as_the_model_does_and_leaves_no_trace(late: Any) -> None:
    row = {"distance": 2.0, "month": 1, "carrier": "AA"}
    (tried,) = late.endpoints.try_out("late", row)
    assert (str(tried.version), tried.role, tried.score) == ("model:late@1", "stable", pytest.approx(0.9241418))  # 1 / (1 + exp(-2.5))
    assert late.endpoints.predictions("late") == []
    assert not Path(late.home / "endpoints" / "default" / "late" / "log").exists()
    with pytest.raises(NotFound, match="not behind"):
        late.endpoints.try_out("late", row, version=9)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"month": None}, "row.month"),
        ({"month": 1.5}, "row.month"),
        ({"distance": "far"}, "row.distance"),
        ({"carrier": 3}, "row.carrier"),
        ({"other": 1}, "row.other"),
    ],
)
def test_a_try_says_which_input_is_wrong(late: Any, change: dict[str, Any], field: str) -> None:
    row = {"distance": 2.0, "month": 1, "carrier": "AA"}
    with pytest.raises(Invalid) as refused:
        late.endpoints.try_out("late", row | change)
    assert refused.value.field == field
    with pytest.raises(Invalid, match="distance has no value"):
        late.endpoints.try_out("late", {"month": 1, "carrier": "AA"})
    assert late.endpoints.try_out("late", row | {"distance": None, "carrier": None})


def arm(version: int, errors: int) -> Arm:
    return Arm(
        version=Ref("model", "late", str(version)), requests=80, errors=errors, latency_p50_ms=1.0, latency_p95_ms=2.0, latency_p99_ms=3.0,
        brier=0.2,
    )  # fmt: skip


def seen(scored: int, e_value: float = 10.0) -> Evidence:
    return Evidence(
        scored=scored, pairs=scored, e_value=e_value, e_loss=1.0, e_errors=1.0, e_shift=1.0, harm=-0.001, shift=0.1, low=-0.1, high=0.51,
        stable=arm(1, 0), candidate=arm(2, 4), path=[Point(pairs=1, e_value=1, mean=0, low=-1, high=1)],
    )  # fmt: skip


def running(evidence: Evidence | None = None) -> Rollout:
    return Rollout(
        id="r1", endpoint="late", stable=Ref("model", "late", "1"), candidate=Ref("model", "late", "2"), plan=RolloutPlan(),
        state="running", reason="", steps=[Step(weight=0.1, since=T0, pairs=0)], evidence=evidence, started_at=T0, started_by="person:ana",
    )  # fmt: skip


def test_a_verdict_is_one_sentence_with_its_numbers() -> None:
    assert story(running()).sentence == "Running at 10% since 2013-01-01 00:00 UTC."
    told = story(running(seen(1200)))
    assert told.sentence == (
        "Running at 10% since 2013-01-01 00:00 UTC, after 1,200 requests scored by both versions, 1,200 of them labelled. Squared error"
        " against the stable version -0.001 [-0.100, +0.510], margin +0.02; e-value 10, limit 100."
    )
    assert (told.to_promote, told.to_roll_back) == (pytest.approx(0.5), pytest.approx(0.5))
    ended = replace(running(seen(80, 400.0)), state="rolled_back", reason="it fails more often", ended_at=T0 + timedelta(hours=14))
    assert story(ended).sentence.startswith("Rolled back on 2013-01-01 at 14:00 UTC: it fails more often. Squared error")
    assert story(ended).to_roll_back == 1.0


def test_looks_stay_few_and_keep_the_last() -> None:
    rollout = running()
    for n in range(1, 1001):
        rollout = replace(rollout, looks=looked(rollout, seen(n), T0 + timedelta(seconds=n)))
    looks = rollout.looks
    assert len(looks) <= 101
    assert (looks[0].scored, looks[-1].scored, looks[-1].errors_candidate, looks[-1].weight) == (1, 1000, 4, 0.1)
    assert [look.scored for look in looks] == sorted({look.scored for look in looks})
    same = looked(rollout, seen(1000), T0 + timedelta(hours=1))
    assert (len(same), same[-1].at) == (len(looks), T0 + timedelta(hours=1))


def test_a_rollout_is_found_by_its_id(late: Any) -> None:
    late.rows.write(lambda tx: rows_of.add_rollout(tx, "default", "identity", running(seen(5))))
    assert late.endpoints.rollout_story("late", "r1").rollout.evidence.scored == 5
    assert late.endpoints.find_rollout("r1") == late.endpoints.rollout_story("late", "r1")
    with pytest.raises(NotFound, match="had no rollout"):
        late.endpoints.rollout_story("late", "r2")
    with pytest.raises(NotFound, match="there was no rollout"):
        late.endpoints.find_rollout("r2")


def test_predictions_from_the_end_and_of_a_rollout(late: Any) -> None:
    log_of(late, [answer(T0 + timedelta(hours=i), f"a{i}", rollout="r1" if i % 2 else None) for i in range(6)])
    found = late.endpoints.predictions("late", limit=2, newest_first=True)
    assert [p.request_id for p in found] == ["a5", "a4"]
    assert [p.request_id for p in late.endpoints.predictions("late", rollout="r1")] == ["a1", "a3", "a5"]
    assert late.endpoints.predictions("late", until=T0 + timedelta(hours=2), newest_first=True)[0].request_id == "a1"


def test_a_page_of_rollouts_reads_what_it_shows_and_leaves_the_paths_out(late: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = [Point(scored=n, pairs=n, e_value=1.0, mean=None, low=0.0, high=1.0) for n in range(200)]

    def change(tx: Any) -> None:
        for n in range(120):
            past = replace(running(replace(seen(1200), path=path)), id=f"r{n:03d}", started_at=T0 + timedelta(days=n))
            past = replace(past, state="promoted", ended_at=T0 + timedelta(days=n, hours=12))
            rows_of.add_rollout(tx, "default", f"i{n}", replace(past, looks=looked(past, seen(9), T0)))

    late.rows.write(change)
    read: list[str] = []
    whole = rows_of._read
    monkeypatch.setattr(rows_of, "_read", lambda value, kind: (read.append(kind), whole(value, kind))[1])
    page = late.endpoints.rollouts("late", limit=20)
    assert read.count(Rollout) == 21
    assert [(found.looks, found.evidence.path) for found in page.items] == [([], [])] * 20
    ids = [found.id for found in page.items]
    while page.next:
        page = late.endpoints.rollouts("late", limit=50, after=page.next)
        ids += [found.id for found in page.items]
    assert ids == [f"r{n:03d}" for n in reversed(range(120))]
    assert len(late.endpoints.rollout_story("late", "r007").rollout.evidence.path) == 200
    read.clear()
    assert late.endpoints.production("late", T0 + timedelta(days=119, hours=6)).rollout == "r119"
    assert read.count(Rollout) == 1
    assert late.endpoints.production("late", T0 + timedelta(days=119, hours=13)).rollout is None
    for limit in (0, 1001):
        with pytest.raises(Invalid, match="limit"):
            late.endpoints.rollouts("late", limit=limit)
