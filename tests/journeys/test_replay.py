"""The replay, killed between two lines of its journal: what it does next, act by act and without a server."""

from __future__ import annotations

import contextlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("sklearn", reason="the demo needs the extra demo")

from ostinato_flights.journal import Journal
from ostinato_flights.month import Month
from ostinato_flights.release import Release


class Killed(BaseException):
    """The end of a process."""


class Mortal(Journal):
    """A journal whose process dies before its n-th line."""

    def __init__(self, path: Path, lines: int) -> None:
        super().__init__(path)
        self._left = lines

    def note(self, name: str, value: Any) -> None:
        if self._left == 0:
            raise Killed
        self._left -= 1
        super().note(name, value)


class Told:
    """Stands for whoever acts: takes every verb, writes it down, and answers as `answers` says."""

    def __init__(self, **answers: Any) -> None:
        self.verbs: list[str] = []
        self._answers = answers

    def __getattr__(self, name: str) -> Any:
        def verb(*given: Any, **named: Any) -> Any:
            self.verbs.append(name)
            answer = self._answers.get(name)
            return answer(*given, **named) if callable(answer) else answer

        return verb


def test_a_rollout_under_way_is_never_forgotten(tmp_path: Path) -> None:
    rollout = SimpleNamespace(id="r1", stable="model:late@1")
    cast = SimpleNamespace(loop=SimpleNamespace(endpoints=Told(rollout=rollout)))
    for lines in range(3):
        path = tmp_path / f"{lines}.json"
        Journal(path).note("waiting", "model:late@2")
        with contextlib.suppress(Killed):
            Release(cast, Mortal(path, lines), Told()).start("model:late@2")
        after = Release(cast, Journal(path), Told())
        assert after.waiting or after.rolling, f"after {lines} lines"


def test_a_month_that_is_over_leaves_the_rollout_of_the_next_alone(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "demo.json")
    done = {"served": {"requests": 1, "failures": 0}, "flights": {"version": 4}, "weather": {}, "batch": {}, "measured": {}}
    for act, result in (done | {"monitored": {"findings": 0, "drift": 0, "performance": 0}, "retrained": {}}).items():
        journal.note(f"2013-04/{act}", result)
    journal.note("waiting", "model:late@3")
    journal.note("rolling", "r1")
    cast, feed = Told(), Told()
    release = Release(SimpleNamespace(loop=SimpleNamespace(endpoints=(endpoints := Told()))), journal, Told())
    Month(4, cast, feed, journal, release, Told()).play(serves=True, trains=False, corrupted=False, bad_release=False)
    assert (endpoints.verbs, feed.verbs, cast.verbs) == ([], [], ["set_clock"])


def test_a_corrupted_delivery_is_not_tried_again_once_the_corrected_one_is_in(tmp_path: Path) -> None:
    held: list[str] = []

    def deliver(name: str, source: Any, key: str) -> Any:
        corrupted = "corrupted" in source.parameters["path"]
        assert not (corrupted and name in held), "other content was accepted under this key"
        held.extend([] if corrupted else [name])
        return SimpleNamespace(rows=7, version=None if corrupted else 2, report=SimpleNamespace(failures=[], results=[]))

    columns = [SimpleNamespace(name="tailnum", nulls=0, rows=7)]
    loop = SimpleNamespace(datasets=Told(deliver=deliver, profile=SimpleNamespace(columns=columns)), features=Told())
    cast = SimpleNamespace(loop=loop, set_clock=lambda _: None)
    feed = Told(month=lambda name, month, corrupted=False: f"{name}{'-corrupted' if corrupted else ''}.csv")
    path = tmp_path / "demo.json"
    for _ in range(3):  # each life ends before its second line, with the act behind that line done
        month = Month(2, cast, feed, journal := Mortal(path, 1), Told(), Told())
        with contextlib.suppress(Killed):
            month.play(serves=False, trains=False, corrupted=True, bad_release=False)
    assert journal.get("2013-02/flights") == {"rows": 7, "version": 2, "quarantined": 7}
