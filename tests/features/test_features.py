"""Views, doors, durability and refusals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from ostinato.data.types import Contract
from ostinato.features.types import Feature, FeatureView
from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import Conflict, Invalid, NotFound
from ostinato.kernel.ref import Ref

START = datetime(2013, 1, 1, tzinfo=UTC)
COUNT = Feature(name="n", kind="count")
TOTAL = Feature(name="total", kind="sum", column="whole")


def view(name: str = "v", **changes: Any) -> FeatureView:
    given: dict[str, Any] = {"dataset": "events", "entity": ["who"], "timestamp": "at", "features": [COUNT, TOTAL]}
    return FeatureView(name=name, **(given | changes))


def row(number: int, hour: int, whole: int | None = 1) -> dict[str, list[Any]]:
    """One event of `a` as it comes over the wire."""
    return {"who": ["a"], "at": [(START + timedelta(hours=hour)).isoformat()], "id": [number], "whole": [whole]}


def test_define_is_repeatable_and_takes_the_key_as_row_id(store: Any) -> None:
    made = store.features.define(view())
    assert made.row_id == ["id"]
    assert store.features.define(view()) == store.features.define(made) == store.features.get("v") == made
    assert store.features.define(view(entity=("who",), features=(COUNT, TOTAL))) == made
    with pytest.raises(Invalid, match="malformed"):
        store.features.define(view(timestamp=5))
    with pytest.raises(Conflict):
        store.features.define(view(features=[COUNT]))
    assert [v.name for v in store.features.all()] == ["v"]
    assert store.features.vector_names(["v"]) == ["v__n", "v__total"]
    [defined] = [e for e in store.ledger.events().items if e.verb == "feature.defined"]
    assert (defined.inputs, defined.outputs) == ((Ref("dataset", "events"),), (Ref("feature", "v"),))


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"entity": ["whom"]}, NotFound, "no column of events 'whom'"),
        ({"entity": []}, Invalid, "needs an entity"),
        ({"entity": ["number"]}, Invalid, "identify nothing"),
        ({"timestamp": "id"}, Invalid, "not instants"),
        ({"features": []}, Invalid, "needs an entity and features"),
        ({"features": [COUNT, COUNT]}, Invalid, "twice"),
        ({"features": [Feature(name="m", kind="mean")]}, Invalid, "needs a column"),
        ({"features": [Feature(name="m", kind="mean", column="who")]}, Invalid, "not numbers"),
        ({"features": [Feature(name="m", kind="count", window_hours=0)]}, Invalid, "more than 0 and at most"),
        ({"features": [Feature(name="m", kind="count", window_hours=float("inf"))]}, Invalid, "more than 0 and at most"),
        ({"features": [Feature(name="a__b", kind="count")]}, Invalid, "not a name"),
        ({"dataset": "nothing"}, NotFound, "no dataset"),
    ],
)
def test_a_view_that_cannot_work_is_refused(store: Any, changes: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        store.features.define(view(**changes))


def test_a_dataset_that_replaces_its_rows_gives_no_events(store: Any) -> None:
    store.datasets.create("now", Contract(key=["id"]), mode="replace")
    store.upload("now", "1", store.events([("a", 1, 1, 1, 1.0)]))
    with pytest.raises(Invalid, match="replaces its rows"):
        store.features.define(view(dataset="now"))


def test_what_was_pushed_survives_a_restart_and_a_repeat(store: Any, opened: Callable[[], Any]) -> None:
    store.features.define(view())
    assert store.features.push("v", row(1, 1, 5)).new == 1
    again = opened()
    assert again.features.push("v", row(1, 1, 5)).new == 0
    assert again.features.online(["v"], {"who": "a"}, START + timedelta(hours=1)) == {"v__n": 1.0, "v__total": 5.0}
    assert again.features.push("v", row(1, 1, 7)).new == 0
    assert again.features.online(["v"], {"who": "a"}, START + timedelta(hours=1))["v__total"] == 7.0


def test_a_late_event_moves_every_later_sum(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ostinato.features.online.sqlite._PIECE", 3)
    store.features.define(view())
    for number in range(1, 30):
        store.features.push("v", row(number, 2 * number))
    for late in (3, 1, 31):
        store.features.push("v", row(100 + late, late, 1000))
    found = [store.features.online(["v"], {"who": "a"}, START + timedelta(hours=h))["v__total"] for h in (0, 1, 2, 3, 30, 31, 58)]
    assert found == [None, 1000.0, 1001.0, 2001.0, 2015.0, 3015.0, 3029.0]


def test_a_killed_process_keeps_what_it_acknowledged(store: Any) -> None:
    """A writer is killed in the midst of pushing; every push that it printed is there, and at most one more."""
    store.features.define(view())
    program = f"""
import sys
from pathlib import Path
import numpy as np
from ostinato.features.events import Events
from ostinato.features.online.sqlite import Sqlite
online = Sqlite(path={str(store.home / "online.db")!r})
for number in range(1, 100_000):
    one = Events(np.array([number]), np.array([number], np.uint64), (np.ones(1),), (np.ones(1, bool),))
    online.add("default", "v", 1, {{'["a"]': one}})
    print(number, flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        seen = 0
        while seen < 300:
            seen = int(process.stdout.readline())
        os.kill(process.pid, signal.SIGKILL)
        rest = [line for line in process.stdout.read().splitlines() if line]
    acknowledged = int(rest[-1]) if rest else seen
    held = store.features.online(["v"], {"who": "a"}, START)["v__n"]
    assert held in (acknowledged, acknowledged + 1)
    store.features.push("v", row(1, 1, 1))
    assert store.features.online(["v"], {"who": "a"}, START + timedelta(hours=1))["v__n"] == held + 1


def test_threads_push_and_look_up_at_once(store: Any) -> None:
    store.features.define(view())
    failures: list[BaseException] = []

    def work(first: int) -> None:
        try:
            with calling(Caller(actor="person:ana")):
                for number in range(first, first + 40):
                    store.features.push("v", row(number, number % 24))
                    found = store.features.online(["v"], {"who": "a"}, START + timedelta(hours=24))
                    assert found["v__n"] == found["v__total"]
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(1000 * i,)) for i in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures
    assert store.features.online(["v"], {"who": "a"}, START + timedelta(hours=24))["v__n"] == 160.0


def test_rows_without_entity_or_instant_are_left_out_and_said(store: Any) -> None:
    store.features.define(view())
    at = (START + timedelta(hours=1)).isoformat()
    pushed = store.features.push("v", {"who": ["a", None, "b"], "at": [at, at, None], "id": [1, 2, 3], "whole": [1, 1, 1]})
    assert (pushed.rows, pushed.new, pushed.skipped) == (3, 1, 2)
    assert store.features.push("v", {"who": [], "at": [], "id": [], "whole": []}).new == 0


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"who": ["a"], "at": [START], "id": [1]}, "no column whole"),
        ({"who": ["a"], "at": [START], "id": [1, 2], "whole": [1]}, "differ in length"),
        ({"who": ["a"], "at": ["yesterday"], "id": [1], "whole": [1]}, "does not fit timestamp"),
        ({"who": ["a"], "at": [START], "id": [1], "whole": [1.5]}, "does not fit int64"),
        ({"who": ["a"], "at": [START], "id": [1], "whole": [2**43]}, "8.8e12"),
        ({"who": ["a", 1], "at": [START] * 2, "id": [1, 2], "whole": [1, 1]}, "mixes types"),
    ],
)
def test_a_push_that_does_not_fit_is_refused_whole(store: Any, rows: dict[str, list[Any]], message: str) -> None:
    store.features.define(view())
    with pytest.raises(Invalid, match=message):
        store.features.push("v", rows)
    assert store.features.freshness("v").newest is None


def test_questions_that_make_no_sense_are_refused(store: Any) -> None:
    store.features.define(view())
    with pytest.raises(NotFound, match="no feature view 'w'"):
        store.features.online(["w"], {"who": "a"})
    with pytest.raises(Invalid, match="no column who"):
        store.features.online(["v"], {"name": "a"})
    with pytest.raises(Invalid, match="5 is no string"):
        store.features.online(["v"], {"who": 5})
    with pytest.raises(Invalid, match="time zone"):
        store.features.online(["v"], {"who": "a"}, datetime(2013, 1, 1))  # noqa: DTZ001
    with pytest.raises(Invalid, match="differ in length"):
        store.features.online_many(["v"], {"who": ["a", "b"]}, [START])
    with pytest.raises(Invalid, match="no column who"):
        store.features.training_set(pa.table({"at": [START]}), ["v"])
    with pytest.raises(Invalid, match="holds nulls"):
        store.features.training_set(pa.table({"at": pa.array([None], pa.timestamp("us", "UTC")), "who": ["a"]}), ["v"])


def test_several_columns_make_an_entity_and_keep_apart(store: Any) -> None:
    store.features.define(view(entity=["who", "id"], row_id=["id"]))
    table = store.events([("a", 1, 1, 10, None), ("a", 1, 2, 20, None), ("b", 1, 3, 30, None)])
    store.upload("events", "all", table)
    store.features.materialize("v")
    spine = pa.table({"at": [START + timedelta(hours=1)] * 4, "who": ["a", "a", "b", "b"], "id": [1, 2, 3, 1]})
    expected = [10.0, 20.0, 30.0, None]
    assert store.features.training_set(spine, ["v"])["v__total"].to_pylist() == expected
    keys = {"who": spine["who"].to_pylist(), "id": spine["id"].to_pylist()}
    assert store.features.online_many(["v"], keys, START + timedelta(hours=1))["v__total"] == expected


def test_freshness_and_the_default_instant_follow_the_clock(store: Any) -> None:
    store.features.define(view(freshness_hours=3))
    assert store.features.freshness("v").fresh is False
    store.features.push("v", row(1, 2))
    assert store.features.online(["v"], {"who": "a"})["v__n"] == 0.0
    store.clock.set(START + timedelta(hours=5))
    assert store.features.online(["v"], {"who": "a"})["v__n"] == 1.0
    fresh = store.features.freshness("v")
    assert (fresh.newest, fresh.age_hours, fresh.fresh) == (START + timedelta(hours=2), 3.0, True)
    store.clock.set(START + timedelta(hours=6))
    assert store.features.freshness("v").fresh is False


def test_materialize_tells_the_ledger_once(store: Any) -> None:
    store.features.define(view())
    store.features.materialize("v")
    store.features.materialize("v", "events@1")
    told = [e for e in store.ledger.events().items if e.verb == "feature.materialized"]
    assert [(e.subject, e.inputs) for e in told] == [(Ref("feature", "v"), (Ref("dataset", "events", "1"),))]


def test_projects_do_not_see_each_other(store: Any) -> None:
    store.features.define(view())
    store.features.push("v", row(1, 1))
    with calling(Caller(actor="person:bob", project="other")):
        assert store.features.all() == []
        with pytest.raises(NotFound):
            store.features.online(["v"], {"who": "a"}, START)
