"""Tables of runs: conditions, orders, pages and jumps, columns, and runs side by side."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ostinato.app import Ostinato
from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.clock import ReplayClock
from ostinato.kernel.errors import Invalid, NotFound
from ostinato.tracking.types import MetricFrame
from ostinato.tracking.view_types import RunRow

START = datetime(2013, 1, 1, tzinfo=UTC)


def add(app: Ostinato, name: str, params: dict[str, Any], auc: float | None = None, **tags: str) -> str:
    run = app.runs.start("e", name, params=params, tags=tags).id
    if auc is not None:
        app.runs.log(run, "c", 0, MetricFrame.of([("auc", 0, 0, 0.0), ("auc", 1, 1, auc)]))
    return run


@pytest.fixture
def five(app: Ostinato, clock: ReplayClock) -> Ostinato:
    """Five runs, an hour apart."""
    given: list[tuple[str, dict[str, Any], float | None]] = [
        ("one", {"depth": 3, "kind": "tree"}, 0.7),
        ("two", {"depth": 10, "kind": "tree"}, 0.9),
        ("Three", {"depth": "auto", "kind": "line"}, 0.8),
        ("four", {"kind": "line", "on": True}, float("nan")),
        ("five", {"depth": 3.5, "kind": "10"}, None),
    ]
    for name, params, auc in given:
        add(app, name, params, auc, word=name[0])
        clock.set(clock.now() + timedelta(hours=1))
    app.runs.start("other", "not here")
    return app


def names(app: Ostinato, *where: str, **more: Any) -> list[str]:
    """The names of the runs that meet conditions, page by page."""
    found: list[RunRow] = []
    after = None
    while True:
        page = app.runs.rows("e", where=list(where), limit=2, after=after, **more)
        found += page.items
        after = page.next
        if after is None:
            assert app.runs.index("e", where=list(where), **more).total == len(found)
            return [row.name for row in found]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("metrics.auc > 0.7", "two Three"),
        ("metrics.auc>=0.7", "one two Three"),
        ("metrics.auc != 0.8", "one two"),
        ("params.depth = 3", "one"),
        ("params.depth > 3", "two five"),
        ("params.depth = auto", "Three"),
        ("params.depth ~ UT", "Three"),
        ("params.depth != 3", "two five"),
        ('params.kind = "10"', "five"),
        ("params.kind = 10", ""),
        ("params.on = true", "four"),
        ("tags.word = o", "one"),
        ("name ~ THREE", "Three"),
        ("name ~ %", ""),
        ("name = two", "two"),
        ("state = running", "one two Three four five"),
        ("started_at >= 2013-01-01T03:00:00Z", "four five"),
        ("started_at < 2013-01-01", ""),
        ("started_by = person:admin", "one two Three four five"),
        ("params.nothing = 1", ""),
    ],
)
def test_conditions(five: Ostinato, condition: str, expected: str) -> None:
    assert names(five, condition, order_by="started_at") == expected.split()


def test_all_conditions_must_hold(five: Ostinato) -> None:
    assert names(five, "metrics.auc > 0.7", "params.kind = tree") == ["two"]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("started_at", "one two Three four five"),
        ("-started_at", "five four Three two one"),
        ("metrics.auc", "one Three two four five"),
        ("-metrics.auc", "two Three one four five"),
        ("metrics.auc desc, name", "two Three one four five"),
        ("min(metrics.auc), -started_at", "four Three two one five"),
        ("params.kind, -metrics.auc", "five Three four two one"),
        ("params.depth", "one five two Three four"),
        ("-params.depth", "Three two five one four"),
        ("params.kind", "five four Three one two"),
    ],
)
def test_orders_hold_over_pages(five: Ostinato, order: str, expected: str) -> None:
    found = names(five, order_by=order)
    if order == "params.kind":  # equal ones stand by their id
        assert (found[0], set(found[1:3]), set(found[3:])) == ("five", {"Three", "four"}, {"one", "two"})
    else:
        assert found == expected.split()


@pytest.mark.parametrize(
    "wrong",
    ["", "auc", "auc > 1", "metrics.auc > high", "metrics.auc ~ 1", "started_at > soon", "started_at ~ 2013", 'params.a"b = 1', "= 1"],
)
def test_a_malformed_condition_is_refused_with_examples(five: Ostinato, wrong: str) -> None:
    with pytest.raises(Invalid) as refused:
        five.runs.rows("e", where=[wrong])
    assert refused.value.hint


def test_other_bad_questions(five: Ostinato) -> None:
    runs = five.runs
    for asked in (lambda: runs.rows("e", order_by="size"), lambda: runs.rows("e", columns=["depth"]), lambda: runs.rows("e", limit=0)):
        with pytest.raises(Invalid):
            asked()
    for cursor in ("x", "[1]", '["a", "b"]', "[1, 2]", '[1, "", "x"]'):
        with pytest.raises(Invalid, match="cursor"):
            runs.rows("e", after=cursor)
    with pytest.raises(Invalid):
        runs.index("e", step=1)


def test_cells_are_those_that_were_asked_for(five: Ostinato) -> None:
    columns = ["params.depth", "params.on", "metrics.auc", "tags.word"]
    found = {row.name: row.cells for row in five.runs.rows("e", columns=columns).items}
    assert found["two"] == {"params.depth": 10, "metrics.auc": 0.9, "tags.word": "t"}
    assert found["four"] == {"params.on": True, "metrics.auc": "nan", "tags.word": "f"}
    assert found["five"] == {"params.depth": 3.5, "tags.word": "f"}
    assert five.runs.rows("e").items[0].cells == {}


def test_the_index_says_which_columns_there_are(five: Ostinato) -> None:
    index = five.runs.index("e")
    assert (index.total, index.params, index.metrics, index.tags) == (5, ["kind", "depth", "on"], ["auc"], ["word"])
    none = five.runs.index("nothing")
    assert (none.total, [a.offset for a in none.anchors], none.params, none.metrics) == (0, [0], [], [])
    with calling(Caller(actor="person:admin", project="elsewhere")):
        assert five.runs.index("e").total == 0


@pytest.mark.parametrize("order", ["started_at", "-started_at", "metrics.auc", "params.n", "-params.n"])
def test_an_anchor_begins_where_scrolling_would_have_come(app: Ostinato, order: str) -> None:
    for n in range(45):
        add(app, f"run {n}", {"n": n % 7}, auc=(n * 7919) % 45 / 45)
    whole = [row.id for row in app.runs.rows("e", order_by=order).items]
    index = app.runs.index("e", order_by=order, step=10)
    assert ([a.offset for a in index.anchors], index.total) == ([0, 10, 20, 30, 40], 45)
    for anchor in index.anchors:
        page = app.runs.rows("e", order_by=order, limit=10, after=anchor.after)
        assert [row.id for row in page.items] == whole[anchor.offset : anchor.offset + 10]
    assert [a.offset for a in app.runs.index("e", order_by=order, step=45).anchors] == [0]


def test_runs_side_by_side(five: Ostinato) -> None:
    ids = {row.name: row.id for row in five.runs.rows("e").items}
    found = five.runs.comparison([ids["two"], ids["one"], ids["five"]])
    assert [run.name for run in found.runs] == ["two", "one", "five"]
    assert {d.what: d.values for d in found.differing} == {
        "params.depth": [10, 3, 3.5],
        "params.kind": ["tree", "tree", "10"],
        "tags.word": ["t", "o", "f"],
    }
    assert found.same["state"] == "running"
    assert [(row.key, [m and m.last for m in row.values]) for row in found.metrics] == [("auc", [0.9, 0.7, None])]
    with pytest.raises(Invalid):
        five.runs.comparison([ids["one"]])
    with pytest.raises(NotFound, match="no run 'x'"):
        five.runs.comparison([ids["one"], "x"])


def test_a_whole_run_is_part_of_no_other(app: Ostinato) -> None:
    whole = app.runs.start("e", "whole")
    part = app.runs.start("e", "part", parent=whole.id)
    assert names(app, 'parent = ""') == ["whole"]
    assert names(app, f"parent = {whole.id}") == [part.name]
