"""How datasets stand, what came to them, and what lies between two versions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.data.conftest import Store

from ostinato.app import Ostinato
from ostinato.data.search import search
from ostinato.data.types import CheckSpec, Contract
from ostinato.kernel.caller import caller
from ostinato.kernel.clock import ReplayClock
from ostinato.kernel.errors import Invalid, NotFound

CONTRACT = Contract(
    key=["id"],
    checks=[CheckSpec(check="in_range", column="x", parameters={"minimum": 0, "maximum": 10}), CheckSpec(check="not_null", column="x")],
)
GOOD = "id,x\n1,1\n2,2\n3,3\n"


@pytest.fixture
def store(app: Ostinato, clock: ReplayClock) -> Any:
    """The same parts on whichever database the tests run on."""
    parts: dict[str, Any] = {"datasets": app.datasets, "ledger": app.ledger, "tables": app.tables, "rows": app.rows}
    return Store(**parts, clock=clock, inbox=app.settings.inbox)


def days(store: Any, n: float) -> None:
    store.clock.set(store.clock.now() + timedelta(days=n))


def story_of_a_month(store: Any) -> None:
    """January comes; February is refused and mended a day later."""
    store.datasets.create("d", CONTRACT)
    store.deliver("d", "january", GOOD)
    days(store, 1)
    store.deliver("d", "february", "id,x\n4,99\n5,5\n")
    days(store, 1)
    store.deliver("d", "february", "id,x\n4,9\n5,5\n")


def test_the_states_of_all_datasets(store: Any) -> None:
    story_of_a_month(store)
    fresh = Contract(checks=[CheckSpec(check="fresh", column="at", parameters={"max_age_hours": 24})])
    store.datasets.create("fresh", fresh)
    store.deliver("fresh", "one", "at\n2013-01-02 12:00:00\n")
    store.datasets.create("empty", Contract())
    days(store, 2)
    empty, state, old = sorted(store.datasets.states(), key=lambda s: ["empty", "d", "fresh"].index(s.dataset.name))
    assert (empty.version, empty.last, empty.waiting, empty.age_hours, empty.fresh) == (None, None, 0, None, None)
    assert state.version is not None
    assert (state.version.version, state.version.rows, state.age_hours, state.promise_hours, state.fresh) == (2, 5, 48.0, None, None)
    assert state.last is not None
    assert (state.last.key, state.last.attempt, state.last.state) == ("february", 2, "accepted")
    assert state.waiting == 0
    assert [(o.key, o.attempt, o.state, o.rows) for o in state.recent] == [
        ("january", 1, "accepted", 3),
        ("february", 1, "quarantined", 2),
        ("february", 2, "accepted", 2),
    ]
    assert (old.promise_hours, old.age_hours, old.fresh) == (24.0, 48.0, False)


def test_a_story_names_the_newest_failure_and_what_mended_it(store: Any) -> None:
    story_of_a_month(store)
    story = store.datasets.story("d")
    assert [(d.key, d.state, d.version) for d in story.deliveries] == [
        ("january", "accepted", 1),
        ("february", "quarantined", None),
        ("february", "accepted", 2),
    ]
    failed = [c for c in story.deliveries[1].checks if not c.passed]
    assert [(c.check, c.columns, c.violations, c.fraction) for c in failed] == [("in_range", ["x"], 1, 0.5)]
    assert story.failing is not None
    assert story.failing.report.failures[0].sample == [{"id": 4, "x": 99, "_row": 1}]
    assert story.mended is not None
    assert (story.mended.attempt, story.earlier) == (2, 0)
    assert [d.key for d in store.datasets.story("d", limit=1).deliveries] == ["february"]
    assert store.datasets.story("d", limit=1).earlier == 2


def test_one_delivery_is_found_by_key_and_attempt(store: Any) -> None:
    story_of_a_month(store)
    assert store.datasets.delivery("d", "february").state == "accepted"
    refused = store.datasets.delivery("d", "february", attempt=1)
    assert (refused.attempt, refused.report.failures[0].sample) == (1, [{"id": 4, "x": 99, "_row": 1}])
    for wanted in (("d", "march", None), ("d", "february", 3), ("none", "february", None)):
        with pytest.raises(NotFound):
            store.datasets.delivery(*wanted)


def test_a_story_as_of_an_instant_knows_nothing_of_what_came_later(store: Any) -> None:
    start = store.clock.now()
    story_of_a_month(store)
    then = store.datasets.story("d", at=start + timedelta(days=1, hours=1))
    assert len(then.deliveries) == 2
    assert (then.state.version.version if then.state.version else None, then.state.waiting) == (1, 1)
    assert then.failing is not None
    assert then.mended is None
    before = store.datasets.story("d", at=start - timedelta(days=1))
    assert (before.deliveries, before.state.version, before.failing) == ([], None, None)


def test_a_story_refuses_what_it_cannot_tell(store: Any) -> None:
    with pytest.raises(NotFound):
        store.datasets.story("none")
    with pytest.raises(Invalid):
        store.datasets.story("none", limit=0)


def test_the_difference_by_key(store: Any) -> None:
    store.datasets.create("d", CONTRACT, mode="replace")
    store.deliver("d", "one", "id,x,c\n1,1,a\n2,2,a\n3,3,b\n4,4,b\n")
    store.deliver("d", "two", "id,x,c\n2,2,a\n3,9,b\n4,4,b\n5,5,a\n6,,a\n".replace("6,,a", "6,6,a"))
    found = store.datasets.difference("d", 1, 2)
    assert (found.rows_a, found.rows_b, found.added, found.removed, found.changed, found.key) == (4, 5, 2, 1, 1, ["id"])
    assert found.added_sample == [{"id": 5, "x": 5, "c": "a"}, {"id": 6, "x": 6, "c": "a"}]
    assert found.removed_sample == [{"id": 1, "x": 1, "c": "a"}]
    shift = {c.name: c for c in found.columns}
    assert [c.name for c in found.columns] == sorted(shift, key=lambda n: -shift[n].shift)
    # x: 1 2 3 4 against 2 4 5 6 9; up to 4 lie all and 2/5
    assert shift["x"].measure == "ks"
    assert shift["x"].shift == pytest.approx(0.6)
    # c: a is 2/4 and then 3/5
    assert (shift["c"].measure, shift["c"].shift) == ("total_variation", pytest.approx(0.1))
    assert [(b.label, b.before, b.after) for b in shift["c"].bins] == [("a", 0.5, 0.6), ("b", 0.5, 0.4)]
    assert sum(b.before for b in shift["x"].bins) == pytest.approx(1)
    assert found.compared == "whole"
    assert "id" not in shift, "a key tells rows apart, it does not move"
    back = store.datasets.difference("d", 2, 1)
    assert (back.added, back.removed, back.changed) == (1, 2, 1)


def test_the_difference_without_a_key_counts_equal_rows_as_often_as_they_are(store: Any) -> None:
    store.datasets.create("d", Contract(), mode="replace")
    store.deliver("d", "one", "x\n1\n1\n2\n")
    store.deliver("d", "two", "x\n1\n2\n2\n2\n")
    found = store.datasets.difference("d", 1, 2)
    assert (found.added, found.removed, found.changed, found.key) == (2, 1, None, [])
    assert found.added_sample == [{"x": 2}, {"x": 2}]


def test_versions_that_share_their_parts_differ_by_the_others(store: Any) -> None:
    store.datasets.create("d", CONTRACT)
    store.deliver("d", "one", GOOD)
    store.deliver("d", "two", "id,x\n4,4\n")
    found = store.datasets.difference("d", 1, 2)
    assert (found.added, found.removed, found.changed) == (1, 0, 0)
    # nothing went, so what came (4) is held against what was there (1 2 3)
    assert found.compared == "added"
    assert [(c.name, c.shift) for c in found.columns] == [("x", 1.0)]
    same = store.datasets.difference("d", 2, 2)
    assert (same.added, same.removed, same.changed, same.columns, same.schema) == (0, 0, 0, [], [])
    with pytest.raises(NotFound, match="no version '3'"):
        store.datasets.difference("d", 1, 3)


def test_nulls_dates_and_instants_in_a_difference(store: Any) -> None:
    store.datasets.create("d", Contract(), mode="replace")
    store.deliver("d", "one", "at,n\n2013-01-01 00:00:00,1\n2013-01-02 00:00:00,2\n")
    store.deliver("d", "two", "at,n\n2013-01-02 00:00:00,NA\n2013-01-03 00:00:00,NA\n")
    shift = {c.name: c for c in store.datasets.difference("d", 1, 2).columns}
    assert (shift["n"].shift, shift["n"].nulls_before, shift["n"].nulls_after) == (1.0, 0.0, 1.0)
    assert shift["at"].shift == 0.5
    assert shift["at"].bins[0].label.startswith("2013-01-01T00:00")


def test_r21_a_dataset_is_found_by_its_tags_and_owner(store: Any) -> None:
    store.datasets.create("churn", Contract(), description="who left", owner="person:zoe")
    store.datasets.create("other", Contract())
    tagged = store.datasets.tag("churn", ["personal", "gold", "gold"])
    assert tagged.tags == ["gold", "personal"]
    assert store.datasets.tag("churn", ["personal", "gold"]) == tagged, "a repeat changes nothing"
    assert (store.datasets.get("churn").tags, store.datasets.get("other").tags) == (["gold", "personal"], [])
    project = caller().project
    for typed in ("pers", "gold", "left", "zoe"):
        (found,) = store.rows.read(lambda tx, typed=typed: search(tx, project, typed, 5))
        assert str(found.ref) == "dataset:churn"
    assert found.summary == "nothing was delivered yet · gold · personal · who left"
    store.datasets.create("churn", Contract(), description="who left", owner="person:zoe")
    assert store.datasets.tag("churn", ["gold"]).tags == ["gold"], "to declare it again takes none away"
    told = [event.data for event in store.ledger.events(verb="dataset.tagged").items]
    assert told == [{"added": ["gold", "personal"], "removed": []}, {"added": [], "removed": ["personal"]}]


def test_tags_that_are_none_are_refused(store: Any) -> None:
    store.datasets.create("d", Contract())
    for tags in (["two words"], [""], ["x" * 51], [f"t{i}" for i in range(21)]):
        with pytest.raises(Invalid) as refused:
            store.datasets.tag("d", tags)
        assert refused.value.field == "tags"
    with pytest.raises(NotFound):
        store.datasets.tag("e", ["gold"])
    assert store.datasets.get("d").tags == []


def test_a_histogram_of_whole_numbers_has_no_gaps(store: Any) -> None:
    store.datasets.create("d", Contract())
    store.deliver("d", "one", "day\n" + "".join(f"{1 + i % 7}\n" for i in range(70)))
    (day,) = store.datasets.profile("d").columns
    assert [(b.low, b.rows) for b in day.histogram] == [(float(d), 10) for d in range(1, 8)]
    store.deliver("d", "two", "day\n7\n41\n")
    (day,) = store.datasets.profile("d@2").columns
    assert {b.high - b.low for b in day.histogram} == {3.0}, "each holds as many numbers"
    assert sum(b.rows for b in day.histogram) == 72
