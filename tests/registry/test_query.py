"""Finding: models and versions by every field, in the grammar that searches runs."""

from __future__ import annotations

import pytest
from tests.registry.conftest import Works, as_

from ostinato.kernel.errors import Invalid
from ostinato.registry.types import State


@pytest.fixture
def three(works: Works) -> Works:
    """late@1 is champion, late@2 is worse and tagged, soon@1 is of others and deprecated."""
    works.models.create("late", "delays", owners=["person:ana", "person:ben"], risk="high")
    works.models.create("soon", "arrivals", owner="person:kim")
    works.version(quality=1.5, datasets=[works.delivered()], features=["weather"])
    works.models.check("late@1")
    for name in ("rita", "ben"):
        with as_(name):
            works.models.approve("late@1", "fine")
    works.models.promote("late@1")
    works.later(hours=1)
    works.version(weight=2.0, quality=0.2, note="a try")
    works.models.tag("late@2", {"team": "ops"})
    works.models.tag("late", {"tier": "gold"})
    works.later(hours=1)
    works.version(model="soon", author="kim", weight=3.0, quality=0.7)
    works.models.deprecate("soon", "use late", successor="late")
    return works


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("model = late", ["late@2", "late@1"]),
        ("metrics.auc > 0.9", ["late@1"]),
        ("max(metrics.auc) < 0.7", ["late@2"]),
        ("metrics.nothing is null and model = soon", ["soon@1"]),
        ("owner = person:ben", ["late@2", "late@1"]),
        ("owner = person:kim or tags.team = ops", ["soon@1", "late@2"]),
        ("datasets.name = flights and datasets.version = 1", ["late@1"]),
        ("not datasets.name = flights", ["soon@1", "late@2"]),
        ("state = approved", ["late@1"]),
        ("state = registered and flavor = linear", ["soon@1", "late@2"]),
        ("alias = champion", ["late@1"]),
        ("alias is null", ["soon@1", "late@2"]),
        ("author = person:kim", ["soon@1"]),
        ("risk = high and registered_at > 2013-01-01T00:30:00Z", ["late@2"]),
        ("features ~ weather", ["late@1"]),
        ("version = 2", ["late@2"]),
        ("note like 'a t%'", ["late@2"]),
    ],
)
def test_r49_versions_are_found_by(three: Works, where: str, expected: list[str]) -> None:
    assert [f"{v.ref.name}@{v.version}" for v in three.models.search_versions([where]).items] == expected


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("owner = person:ana", ["late"]),
        ("tags.tier = gold", ["late"]),
        ("deprecated is null", ["late"]),
        ("deprecated ~ use", ["soon"]),
        ("risk in (low, high) and name ~ o", ["soon"]),
        ("metrics.auc > 0.9", ["late"]),
        ("max(metrics.auc) < 0.7", ["late"]),
        ("metrics.auc > 0.5 and flavor = linear", ["late", "soon"]),
        ("state = approved and alias = champion", ["late"]),
        ("not state = approved", ["soon"]),
        ("alias is null", ["soon"]),
        ("author = person:kim", ["soon"]),
        ("datasets.name = flights and datasets.version = 1", ["late"]),
        ("not datasets.name = flights and metrics.nothing is null", ["soon"]),
    ],
)
def test_r49_models_are_found_by(three: Works, where: str, expected: list[str]) -> None:
    found = three.models.search([where])
    assert [state.model.name for state in found.items] == expected
    assert found.items[0].newest is not None


def test_order_and_cursors_are_stable(three: Works) -> None:
    for order, expected in (
        ("-metrics.auc", ["late@1", "soon@1", "late@2"]),
        ("model, -version", ["late@2", "late@1", "soon@1"]),
        ("-state, registered_at", ["late@2", "soon@1", "late@1"]),
    ):
        seen: list[str] = []
        after = None
        while True:
            page = three.models.search_versions(order_by=order, limit=1, after=after)
            seen += [f"{v.ref.name}@{v.version}" for v in page.items]
            if (after := page.next) is None:
                break
        assert seen == expected
    assert [s.model.name for s in three.models.search(order_by="-created_at, name").items] == ["late", "soon"]


def test_a_mistake_is_shown_with_a_caret(three: Works) -> None:
    with pytest.raises(Invalid, match=r"a version has no 'flavour'\n  flavour = linear\n  \^") as refused:
        three.models.search_versions(["flavour = linear"])
    assert "flavor" in (refused.value.hint or "")
    with pytest.raises(Invalid, match=r"a dataset has no 'digest'"):
        three.models.search_versions(["datasets.digest = x"])
    for order in ("alias", "tags.team", "owner", "datasets.name"):
        with pytest.raises(Invalid, match="cannot order by"):
            three.models.search_versions(order_by=order)
    for order in ("alias", "metrics.auc", "flavor", "state"):
        with pytest.raises(Invalid, match="cannot order by"):
            three.models.search(order_by=order)
    with pytest.raises(Invalid, match=r"a model has no 'size'\n  size > 7\n  \^"):
        three.models.search(["size > 7"])
    with pytest.raises(Invalid, match="cursor"):
        three.models.search(after="nonsense")


def test_the_state_that_is_searched_is_the_state_that_is_told(works: Works) -> None:
    works.models.create("late")
    works.models.declare_tier("low", 1, "for a day", valid_days=1, glass_hours=24)
    for weight in range(1, 8):
        works.version(weight=float(weight))

    def approve(number: int) -> None:
        works.models.check(f"late@{number}")
        with as_("rita"):
            works.models.approve(f"late@{number}", "ok")

    approve(1)
    with as_("ben"):
        works.models.break_glass("late@7", "fire", "old")
    works.later(days=2)
    approve(2)
    with as_("ben"):
        works.models.break_glass("late@3", "fire")
        bad = works.models.break_glass("late@6", "fire", "spare")
        works.models.reject("late@4", "no")
        works.models.retire("late@5", "old")
    with as_("rita"):
        works.models.review_emergency(bad.id, "unjustified", "no fire")
    works.later(seconds=1)
    states: tuple[State, ...] = ("registered", "approved", "expired", "emergency", "rejected", "retired")
    for state in states:
        found = [v.version for v in works.models.search_versions([f"state = {state}"]).items]
        assert found == [v.version for v in works.models.versions("late") if v.state == state], state
        assert len(found) == (2 if state == "expired" else 1)
