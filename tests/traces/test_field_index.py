"""Entries: searches that start from the index find what those find that ask every trace, whatever was told, replaced or deleted."""

from __future__ import annotations

import random
from typing import Any

import pytest
from sqlalchemy import func, select
from tests.traces.test_traces import chat, span

from ostinato.app import Ostinato
from ostinato.traces import field_index, search
from ostinato.traces.types import Span

ASKED = [
    "span.attributes.k = a", "span.attributes.k = 3", "span.attributes.k > 2", "span.attributes.k in (a, b)", "span.attributes.k ~ LO",
    "span.attributes.k like 'lo%'", "span.attributes.k is not null", "span.attributes.k is null", "span.attributes.k != a",
    "span.attributes.long = '" + "x" * 100 + "'", "span.attributes.long ~ y", "span.attributes.b = true", "not span.attributes.k = a",
    "span.name = rare", "span.name ~ rar", "span.name ~ ''", "span.name like '%'", "span.kind in ('', TOOL)", "span.model = tiny-1",
    "span.name = rare or span.attributes.k = a", "span.name = rare and span.attributes.k = a", "span.model = tiny-1 and state = ok",
    "feedback.good = true", "feedback.good != true", "feedback.good is null", "run = r-1", "expectation.x is not null",
]  # fmt: skip


def told(chance: random.Random, trace: str, number: int) -> Span:
    """A span that says something."""
    values: list[Any] = ["a", "b", "low", "LOng", 3, 2.5, 10**18, True, None, {"deep": [1]}, "é" * 300]
    said: dict[str, Any] = {"k": chance.choice(values)} if chance.random() < 0.6 else {}
    said |= {"long": "x" * 100 + chance.choice("yz"), "b": chance.random() < 0.5, "m": ""} if chance.random() < 0.3 else {}
    said |= chat(1, 1) if chance.random() < 0.3 else {}
    said |= {"mlflow.spanType": "TOOL"} if chance.random() < 0.3 else {}
    name = chance.choice(["rare", "", "step", "rarely"])
    return span(number, 1 if number > 1 else None, trace, name=name, attributes=said, took_ms=chance.choice([None, 5]))


def ids(app: Ostinato, where: str) -> list[str]:
    return [trace.id for trace in app.traces.search([where], "-started_at", 1000).items]


def count(app: Ostinato) -> int:
    return int(app.rows.read(lambda tx: tx.all(select(func.count()).select_from(field_index.entry_table)))[0][0])


@pytest.mark.parametrize("seed", range(3))
def test_an_index_finds_what_a_walk_finds(app: Ostinato, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setattr(field_index, "SPANS_MAX", 6)
    monkeypatch.setattr(field_index, "ATTRIBUTES_MAX", 5)
    chance = random.Random(seed)
    app.runs.start("chat", id="r-1")
    names = [f"tr-{n}" for n in range(25)]
    for _ in range(30):
        sent = [told(chance, chance.choice(names), chance.randint(1, 9)) for _ in range(chance.randint(1, 6))]
        app.traces.put(sent, "chat", run="r-1" if chance.random() < 0.2 else None)
    for trace in app.traces.search(limit=5).items:
        app.traces.assess(trace.id, "good", chance.random() < 0.5)
    found = {where: ids(app, where) for where in ASKED}
    counted = {where: app.traces.count(search.parse_all([where], search.TRACES.vocabulary)) for where in ASKED}
    monkeypatch.setattr(search, "few", lambda *_: None)
    assert found == {where: ids(app, where) for where in ASKED}
    assert counted == {where: len(some) for where, some in found.items()}
    assert any(found.values())
    app.traces.delete([trace for trace in names if app.traces.many([trace])])
    assert count(app) == 0, "what a trace was filed under goes with it, also what its spans said before"


def test_a_trace_that_says_very_much_is_filed_once_and_found(app: Ostinato) -> None:
    app.traces.put([span(n, attributes={"n": n}) for n in range(1, 400)], "chat")
    assert count(app) > 700
    app.traces.put([span(n, attributes={"n": n}) for n in range(400, 600)], "chat")
    assert count(app) == 1
    app.traces.put([span(1, trace="tr-wide", attributes={f"k{n}": n for n in range(300)})], "chat")
    app.traces.put([span(2, 1, trace="tr-wide")], "chat")
    assert count(app) == 2
    assert (ids(app, "span.attributes.n = 17"), ids(app, "span.attributes.k7 = 7")) == (["tr-a"], ["tr-wide"])
    app.traces.delete(["tr-a", "tr-wide"])
    assert count(app) == 0


def test_a_full_trace_takes_again_what_it_has(app: Ostinato, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ostinato.traces.intake.SPANS_MAX", 5)
    whole = [span(n) for n in range(1, 5)]
    assert app.traces.put(whole, "chat").spans == 4
    taken = app.traces.put([*whole[:2], span(5), span(6)], "chat")
    assert (taken.spans, list(taken.refused)) == (3, ["3"]), "a repeat is no news, and there was room for one more"
    again = app.traces.put([*whole, span(5)], "chat")
    assert (again.spans, again.refused, app.traces.get("tr-a").spans) == (5, {}, 5)
