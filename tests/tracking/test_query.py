"""Queries: the grammar, its mistakes, and that the database finds exactly what a plain reading of the tree finds."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.conftest import ON_POSTGRES

from ostinato.app import Ostinato
from ostinato.kernel.clock import ReplayClock
from ostinato.kernel.errors import Invalid
from ostinato.tracking.planner import index_lookup, scope
from ostinato.tracking.planner.parse import parse, parse_all, parse_order
from ostinato.tracking.planner.where import RUNS
from ostinato.tracking.query import TEXTUAL, Ago, Among, And, Compare, Field, Missing, Node, Not, Or, Order
from ostinato.tracking.types import MetricFrame, Source, Use

EXAMPLES = 50 if ON_POSTGRES else 150
"""What is asked of the planner and of its plans, SQLite's run asks in full; what PostgreSQL makes of each part of a query, fewer show."""
quick = settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
WORDS = RUNS.vocabulary
NOW = datetime(2013, 1, 8, tzinfo=UTC)


def read(text: str) -> Node:
    return parse(text, WORDS)


def metric(key: str, of: Any = "last") -> Field:
    return Field("metric", key, of)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("metrics.auc > 0.7", Compare(metric("auc"), ">", 0.7)),
        ("metrics.auc.min>=.5", Compare(metric("auc.min"), ">=", 0.5)),
        ("min(metrics.`a ``b`) <> -inf", Compare(metric("a `b", "min"), "!=", -math.inf)),
        ('METRIC."val/auc" is not nan', Missing(metric("val/auc"), negated=True, nan=True)),
        ("params.my key = two words", Compare(Field("param", "my key"), "=", "two words")),
        ("params.depth = 5", Compare(Field("param", "depth"), "=", 5)),
        ("params.depth = '5'", Compare(Field("param", "depth"), "=", "5")),
        ("tags.x = 5", Compare(Field("tag", "x"), "=", "5")),
        ('name ~ "it\'s ""so"""', Compare(Field("attribute", "name"), "~", "it's \"so\"")),
        ("name NOT  LIKE a%", Compare(Field("attribute", "name"), "not like", "a%")),
        ("state in (failed, 'a, b', killed)", Among(Field("attribute", "state"), ("failed", "a, b", "killed"))),
        ("attributes.error is null", Missing(Field("attribute", "error"))),
        ("datasets.name = flights", Compare(Field("dataset", "name"), "=", "flights")),
        ("started_at > -7d", Compare(Field("attribute", "started_at"), ">", Ago(7, "d"))),
        ("started_at < 2013-05-01", Compare(Field("attribute", "started_at"), "<", datetime(2013, 5, 1, tzinfo=UTC))),
        ("name = android or name=order", Or(tuple(Compare(Field("attribute", "name"), "=", name) for name in ("android", "order")))),
    ],
)  # fmt: skip
def test_what_is_written_is_read(text: str, tree: Node) -> None:
    assert read(text) == tree


def test_and_binds_closer_than_or_and_not_closest() -> None:
    a, b, c = (Compare(Field("attribute", "name"), "=", name) for name in "abc")
    assert read("name = a or name = b and not name = c") == Or((a, And((b, Not(c)))))
    assert read("(name = a OR name = b) AND NOT(name = c)") == And((Or((a, b)), Not(c)))
    assert parse_all(["name = a", "name = b"], WORDS) == And((a, b))
    assert parse_order("-metrics.auc, params.`x,y` desc,name", WORDS) == (
        Order(metric("auc"), True), Order(Field("param", "x,y"), True), Order(Field("attribute", "name")),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "at", "says", "hint"),
    [
        ("metrics.auc >", 13, "expected a value", ""),
        ("metrics.auc > 0.7 andd x", 14, "a number", ""),
        ("metrics.auc > high", 14, "a number", ""),
        ("metrics.auc > nan", 14, "a number", "is nan"),
        ("started > -7d", 0, "no 'started'", "started_at"),
        ("metrc.auc > 1", 0, "no 'metrc.auc'", "metrics.auc"),
        ("auc > 1", 0, "no 'auc'", "metrics.auc"),
        ("name = a and", 12, "expected a field", ""),
        ("(name = a", 9, "expected )", ""),
        ("name = 'a", 7, "not closed", ""),
        ("name a", 5, "expected an operator", "like"),
        ("started_at ~ 2013", 11, "no text", "compare"),
        ("started_at > soon", 13, "an instant", "-7d"),
        ("state in ()", 10, "expected a value", ""),
        ("params.x is nan", 9, "never nan", ""),
        ("datasets.size = 1", 0, "no 'size'", "digest"),
        ("max(params.x) > 1", 0, "max is of a metric", "max(metrics.loss)"),
        ("not " * 60 + "name = a", 200, "more than 50 deep", ""),
    ],
)
def test_a_mistake_is_shown_where_it_is(text: str, at: int, says: str, hint: str) -> None:
    with pytest.raises(Invalid) as refused:
        read(text)
    what, shown, caret = refused.value.message.split("\n")
    assert says in what
    assert hint in refused.value.hint
    assert caret.endswith("^")
    assert text[at : at + 20].startswith(shown[len(caret) - 1 :][:20].rstrip() if at < len(text) else "")
    assert refused.value.field == "where"


KEYS = st.sampled_from(["auc", 'say "so"', "loss", "auc.min", "a b", "ü/`x", "and"])
WORDS_IN = st.sampled_from(["a", "B", "ab", "tree", "x_y%", "10", "it's", 'say "so"', "", "ö", "*[?"])
NUMBERS = st.sampled_from([0, 1, 3, -1, 0.5, 2.5, 1e300, math.inf, -math.inf])
FINITE = NUMBERS.filter(math.isfinite)
TIMES = st.sampled_from([Ago(0), Ago(3, "d"), Ago(90, "h"), datetime(2013, 1, 5, tzinfo=UTC), datetime(2013, 1, 3, 12, tzinfo=UTC)])
ORDERED = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
ALIKE = st.sampled_from(sorted(TEXTUAL))
TEXTS = st.one_of(
    st.sampled_from([Field("attribute", name) for name in ("name", "state", "parent", "error", "commit")]),
    KEYS.map(lambda key: Field("tag", key)),
    st.sampled_from([Field("dataset", key) for key in ("name", "digest", "context")]),
)
METRICS = st.builds(metric, KEYS, st.sampled_from(["last", "min", "max", "count"]))
PARAMS = KEYS.map(lambda key: Field("param", key))
INSTANTS = st.sampled_from([Field("attribute", name) for name in ("started_at", "ended_at")])
ATOMS: st.SearchStrategy[Node] = st.one_of(
    st.builds(Compare, TEXTS, ORDERED | ALIKE, WORDS_IN),
    st.builds(Compare, METRICS, ORDERED, NUMBERS),
    st.builds(Compare, PARAMS, ORDERED, FINITE | WORDS_IN),
    st.builds(Compare, PARAMS, ALIKE, WORDS_IN),
    st.builds(Compare, INSTANTS, ORDERED, TIMES),
    st.builds(Among, TEXTS, st.lists(WORDS_IN, min_size=1, max_size=3).map(tuple), st.booleans()),
    st.builds(Among, PARAMS, st.lists(WORDS_IN | FINITE, min_size=1, max_size=3).map(tuple), st.booleans()),
    st.builds(Among, METRICS, st.lists(NUMBERS, min_size=1, max_size=3).map(tuple), st.booleans()),
    st.builds(Missing, st.one_of(TEXTS, METRICS, PARAMS, INSTANTS), st.booleans()),
    st.builds(Missing, METRICS, st.booleans(), st.just(True)),
)
TREES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: And(tuple(parts))),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: Or(tuple(parts))),
        inner.map(Not),
    ),
    max_leaves=6,
)


@quick
@given(TREES)
def test_a_tree_survives_its_text(tree: Node) -> None:
    assert read(str(tree)) == tree


SCRAPS = [*"()=><~'`,\"\0 ", "metrics.", "auc", "and", "or", "not", "in", "is null", "0.7", "params.x", "min(", "-7d", "\ud800"]


@settings(quick, max_examples=300)
@given(st.text(max_size=60) | st.lists(st.sampled_from(SCRAPS), max_size=12).map("".join))
@example("name = " + "(" * 300)
@example("(" * 300)
@example("metrics.")
@example("metrics.a > " + "9" * 400)
def test_no_text_raises_anything_else(text: str) -> None:
    for reader in (read, lambda text: parse_order(text, WORDS)):
        try:
            reader(text)
        except Invalid as refused:
            assert "^" in refused.message  # noqa: PT017


SEEN: list[dict[str, Any]] = [
    {"name": "a", "params": {"auc": 3, "a b": "tree", "and": True}, "tags": {"auc": "ab"},
     "points": {"auc": [0.5, 1.0], "loss": [math.nan]}},
    {"name": "B", "params": {"auc": "10", "loss": None, "ü/`x": 2.5}, "tags": {"a b": "x_y%", "and": ""},
     "points": {"auc": [math.inf, -1.0]}},
    {"name": "x_y%", "params": {"auc": 3.0, 'say "so"': 0.5}, "tags": {"auc": "B", "ü/`x": "ö"},
     "points": {"auc.min": [1e300], "auc": [3.0, math.nan]}},
    {"name": "*[?", "params": {"loss": -1, "a b": "AB", 'say "so"': "ö"}, "tags": {'say "so"': "tree"}, "points": {"loss": [0.0, 2.5, 0.5]},
     "uses": [("a", "10", "tree"), ("B", "", "")]},
    {"name": 'say "so"', "params": {}, "tags": {"and": "it's"}, "points": {"a b": [-math.inf], "auc": [1.0]},
     "uses": [("ab", "a", "ö")]},
    {"name": "it's", "params": {"auc": math.inf}, "tags": {"auc": "a"}, "points": {}},
]  # fmt: skip


@pytest.fixture
def six(app: Ostinato, clock: ReplayClock) -> Ostinato:
    """Six runs, a day apart: as `SEEN`, some ended, one part of another."""
    for number, seen in enumerate(SEEN):
        run = f"r{number}"
        app.runs.start("e", seen["name"], seen["params"], seen["tags"], "r0" if number == 2 else None, id=run)
        frame = [(key, step, step, value) for key, values in seen["points"].items() for step, value in enumerate(values)]
        app.runs.log(run, "c", 0, MetricFrame.of(frame))
        uses = [Use(source=Source(name=name, digest=digest), context=context) for name, digest, context in seen.get("uses", [])]
        app.runs.use(run, uses)
        if number % 2:
            app.runs.finish(run, "failed" if number == 3 else "finished", error="tree" if number == 3 else "")
        clock.set(clock.now() + timedelta(days=1))
    clock.set(NOW)
    return app


def cells(number: int, field: Field) -> list[Any]:
    """What a run has in a field, plainly: nothing, a value or several; NaN for a metric that is."""
    seen, start = SEEN[number], datetime(2013, 1, 1, tzinfo=UTC) + timedelta(days=number)
    if field.kind == "dataset":
        return [use[("name", "digest", "context").index(field.key)] for use in seen.get("uses", [])]
    if field.kind == "tag":
        return [seen["tags"][field.key]] if field.key in seen["tags"] else []
    if field.kind == "param":
        value = seen["params"].get(field.key)
        told = {True: "true", math.inf: "inf"}.get(value, value) if isinstance(value, bool | float) else value
        return [] if value is None else [told]
    if field.kind == "metric":
        values = seen["points"].get(field.key)
        if values is None:
            return []
        real = [value for value in values if not math.isnan(value)] or [math.nan]
        return [{"last": values[-1], "min": min(real), "max": max(real), "count": len(values)}[field.of]]
    state = ("failed" if number == 3 else "finished") if number % 2 else "running"
    parent = "r0" if number == 2 else ""
    told = {
        "name": seen["name"], "state": state, "error": "tree" if number == 3 else "", "parent": parent, "commit": None,
        "started_at": start, "ended_at": start if number % 2 else None,
    }[field.key]  # fmt: skip
    return [] if told is None else [told]


def alike(pattern: str, *, folded: bool) -> Callable[[str], bool]:
    fold = (lambda text: "".join(c.lower() if c.isascii() else c for c in text)) if folded else str
    shape = re.compile("".join({"%": ".*", "_": "."}.get(c, re.escape(c)) for c in fold(pattern)), re.DOTALL)
    return lambda text: bool(shape.fullmatch(fold(text)))


def holds(op: str, cell: Any, value: Any) -> bool:
    if isinstance(cell, str) != isinstance(value, str) or (isinstance(cell, float) and math.isnan(cell)):
        return False
    if op in ("=", "!=", "<", "<=", ">", ">="):
        return {"=": cell == value, "!=": cell != value, "<": cell < value, "<=": cell <= value, ">": cell > value, ">=": cell >= value}[op]
    if op.removeprefix("!") == "~":
        return alike("%", folded=False)(cell) and ((value.lower() in cell.lower()) != op.startswith("!"))
    return alike(value, folded="ilike" in op)(cell) != op.startswith("not")


def meets(number: int, node: Node) -> bool:
    """Whether a run meets a query, by a plain reading of it."""
    if isinstance(node, And | Or):
        return (all if isinstance(node, And) else any)(meets(number, part) for part in node.parts)
    if isinstance(node, Not):
        return not meets(number, node.part)
    found = cells(number, node.field)
    if isinstance(node, Missing):
        if node.nan:
            return any(isinstance(cell, int | float) and math.isnan(cell) != node.negated for cell in found)
        if node.field == Field("attribute", "parent"):
            found = [cell for cell in found if cell]
        return bool(found) == node.negated
    if isinstance(node, Compare):
        value = node.value.before(NOW) if isinstance(node.value, Ago) else node.value
        return any(holds(node.op, cell, value) for cell in found)
    kinds = {isinstance(value, str) for value in node.values}
    given = [cell for cell in found if isinstance(cell, str) in kinds and not (isinstance(cell, float) and math.isnan(cell))]
    return any(any(holds("=", cell, value) for value in node.values) != node.negated for cell in given)


@pytest.fixture(params=[2_500, 2, 0])
def few(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """How many runs are few: all six, some, none."""
    monkeypatch.setattr(scope, "FEW", request.param)
    monkeypatch.setattr(index_lookup, "NARROW", 3 if request.param == 2 else index_lookup.NARROW)


@pytest.mark.usefixtures("few")
def test_the_database_finds_what_a_plain_reading_finds(six: Ostinato) -> None:
    @settings(quick, max_examples=EXAMPLES)
    @given(TREES)
    def compare(tree: Node) -> None:
        expected = {f"r{number}" for number in range(len(SEEN)) if meets(number, tree)}
        found = six.runs.find(tree, [Order(Field("attribute", "started_at"))])
        assert {run.id for run in found.items} == expected, str(tree)
        assert six.runs.index(where=[str(tree)], order_by="-metrics.auc").total == len(expected)

    compare()


@pytest.mark.usefixtures("few")
def test_orders_stand_still_over_pages_of_any_query(six: Ostinato) -> None:
    @settings(quick, max_examples=EXAMPLES // 3)
    @given(
        st.lists(
            st.builds(Order, METRICS | PARAMS | TEXTS.filter(lambda f: f.kind != "dataset") | INSTANTS, st.booleans()),
            min_size=1,
            max_size=3,
        )
    )
    def compare(orders: list[Order]) -> None:
        everything = [run.id for run in six.runs.find(And(()), orders).items]
        assert sorted(everything) == [f"r{number}" for number in range(len(SEEN))]
        found, after = [], None
        while True:
            page = six.runs.find(And(()), orders, limit=2, after=after)
            found += [run.id for run in page.items]
            after = page.next
            if after is None:
                break
        assert found == everything, orders
        first = orders[0]
        kept = [cells(int(run[1:]), first.field) for run in everything]
        rank = [2 if not cell else 1 if isinstance(cell[0], float) and math.isnan(cell[0]) else 0 for cell in kept]
        assert rank == sorted(rank), "what lacks it comes last"
        numbers = [cell[0] for cell, placed in zip(kept, rank, strict=True) if placed == 0 and isinstance(cell[0], int | float)]
        assert numbers == sorted(numbers, reverse=first.down)

    compare()


def test_huge_and_odd_values_are_refused_or_found(six: Ostinato) -> None:
    runs = six.runs
    assert runs.rows(where=["params.auc in (" + ",".join(map(str, range(3000))) + ")"]).items
    for wrong in ("name = a" + " and name = a" * 300, "name = " + "x" * 30_000, "name like " + "%" * 9_000):
        with pytest.raises(Invalid):
            runs.rows(where=[wrong])
    with pytest.raises(Invalid):
        runs.find(Compare(Field("attribute", "name"), "=", "\0"), [Order(Field("attribute", "name"))])
    with pytest.raises(Invalid):
        runs.find(Compare(metric("x"), "=", math.nan), [Order(Field("attribute", "name"))])
    with pytest.raises(Invalid):
        runs.rows(order_by="datasets.name")
    assert runs.rows(where=["params.auc > 99999999999999999999999"]).items == []
    assert runs.rows(where=["started_at > -999999999w"]).items


@pytest.mark.usefixtures("few")
def test_whole_numbers_beyond_the_exact_ones_are_found_and_end(app: Ostinato) -> None:
    seeds = {f"r{number}": 2**53 + 1 + 2 * number for number in range(3)}
    for run, seed in seeds.items():
        app.runs.start("seeds", params={"seed": seed, 'so "so"': seed}, id=run)
    for key in ("params.seed", 'params.`so "so"`'):
        assert "r0" in {run.id for run in app.runs.search(where=[f"{key} = {seeds['r0']}"]).items}
        found, after = list[str](), None
        while len(found) <= len(seeds):
            page = app.runs.search(experiment="seeds", order_by=key, limit=1, after=after)
            found += [run.id for run in page.items]
            if (after := page.next) is None:
                break
        assert found == sorted(seeds)


def test_pages_by_a_count_go_on_where_the_index_is_walked_no_more(app: Ostinato, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        app.runs.start("e", id=f"r{number}")
    app.runs.log("r0", "c", 0, MetricFrame.of([("auc", 0, 0, 1.0)]))
    for first, then in ((0, 2_500), (2_500, 0)):
        monkeypatch.setattr(scope, "FEW", first)
        page = app.runs.search(experiment="e", order_by="-count(metrics.auc)", limit=2)
        monkeypatch.setattr(scope, "FEW", then)
        rest = app.runs.search(experiment="e", order_by="-count(metrics.auc)", after=page.next)
        assert [run.id for run in (*page.items, *rest.items)] == ["r0", "r3", "r2", "r1"]
