"""Replies for the eye, on a console of a given width."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from rich.console import Console

from ostinato.cli import render
from ostinato.kernel.page import Page
from ostinato.kernel.ref import Ref


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    name: str
    weight: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    effect: float
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    id: str
    kind: str = "plain"
    digest: str = "ab" * 32
    source: Ref = field(default_factory=lambda: Ref("dataset", "flights", "4"))
    parts: list[Part] = field(default_factory=list)
    judged: Judged | None = None
    note: str = ""


def printed(reply: Any, width: int) -> str:
    page = io.StringIO()
    render._print(Console(file=page, width=width), reply)
    return page.getvalue()


def test_a_table_fits_the_terminal_and_names_what_it_leaves_out() -> None:
    told = printed([Thing(id="a", note="first"), Thing(id="b", note="second")], 40)
    assert max(map(len, told.splitlines())) <= 40
    assert "second" in told  # it tells the rows apart, so it comes before the kind that is the same in both
    assert "not shown: " in told
    assert "source" in told.partition("not shown: ")[2]


def test_structures_are_abbreviated_in_a_table_and_whole_in_a_card() -> None:
    thing = Thing(id="a", parts=[Part(name="leg"), Part(name="top", weight=2)])
    assert "2 items" in printed([thing], 10_000)
    assert "{" not in printed([thing], 10_000)
    card = printed(thing, 100)
    assert "name=leg, weight=0.5" in card
    assert "name=top, weight=2" in card
    assert "ab" * 32 in card


def test_a_thing_with_a_sentence_is_told_by_it() -> None:
    assert "it rose by 0.2" in printed([Thing(id="a", judged=Judged(effect=0.2, sentence="it rose by 0.2"))], 120)


def test_instants_are_utc_and_can_be_passed_back() -> None:
    at = datetime(2013, 5, 3, 14, tzinfo=timezone(timedelta(hours=-4)))
    assert render.text_of(at) == "2013-05-03 18:00:00Z"
    assert datetime.fromisoformat(render.text_of(at)) == at.astimezone(UTC)


def test_the_next_page_can_be_pasted_into_a_shell() -> None:
    assert "more: --after '2014|x'" in printed(Page(items=[Thing(id="a")], next="2014|x"), 100)


def test_nothing_is_said_to_be_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    render.show([])
    out, err = capsys.readouterr()
    assert (out, err) == ("", "none\n")


def test_text_of_others_has_no_power_over_the_terminal() -> None:
    spoilt = "\x1b]0;title\x07red\x9b31m\u202eback\rover"
    for shown in (
        printed(Thing(id=spoilt, note=spoilt), 120),
        printed([Thing(id=spoilt)], 120),
        printed([spoilt], 120),
        printed({spoilt: 1}, 120),
    ):
        assert not set("\x1b\x07\x9b\u202e\r") & set(shown), ascii(shown)
        assert "\\x1b]0;title\\x07red" in shown
