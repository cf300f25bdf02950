"""What becomes of events that a sink does not take: pauses, parking, retrying, replaying; and who serves a subscription."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from tests.ledger.conftest import Store

from ostinato.kernel.errors import Invalid, NotFound, Unavailable
from ostinato.kernel.family import Family
from ostinato.ledger import deliver
from ostinato.ledger.service import Ledger
from ostinato.ledger.types import Parcel, Sink, Surroundings


@dataclass(frozen=True, slots=True, kw_only=True)
class Choosy:
    """Takes everything but what is in `refused`; nothing while `down`."""

    taken: ClassVar[list[str]] = []
    refused: ClassVar[set[str]] = set()
    down: ClassVar[list[bool]] = []

    def send(self, parcel: Parcel, around: Surroundings) -> None:
        assert json.loads(parcel.body)["id"] == parcel.key
        assert around.home.name == parcel.event.project
        if self.down or parcel.event.subject.name in self.refused:
            raise Unavailable("not this one\0")
        self.taken.append(parcel.event.subject.name)


class Outside(Family[Sink]):
    """The sinks of an installation with a package that adds one."""

    def get(self, name: str) -> type[Sink]:
        return Choosy if name == "choosy" else super().get(name)


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Choosy]]:
    monkeypatch.setattr(deliver, "SINKS", Outside("ostinato.ledger.sinks"))
    monkeypatch.setattr("ostinato.ledger.subscriptions.SINKS", Outside("ostinato.ledger.sinks"))
    yield Choosy
    Choosy.taken.clear()
    Choosy.refused.clear()
    Choosy.down.clear()


def _rounds(store: Store, count: int) -> None:
    """So many rounds, without the pauses between them."""
    for _ in range(count):
        store.edit("UPDATE ledger_subscription SET retry_at = 0")
        store.ledger.tick()


def test_a_poisonous_event_is_parked_and_the_others_go_on(store: Store, sink: type[Choosy]) -> None:
    store.ledger.subscribe("ops", "choosy", verbs=["run.*"])
    sink.refused.add("r2")
    for number in range(1, 4):
        store.act("run.started", f"run:r{number}")
        store.act("model.trained", f"model:m{number}")
    _rounds(store, 4)
    assert sink.taken == ["r1"], "it is given time"
    _rounds(store, 2)
    assert sink.taken == ["r1", "r3"]
    (shown,) = store.ledger.subscriptions()
    assert (shown.failures, shown.error, shown.parked) == (0, "", 1)
    (parked,) = store.ledger.parked("ops")
    assert (parked.event.subject.name, parked.error) == ("r2", "not this one ")
    store.act("run.finished", "run:r4")
    _rounds(store, 3)
    assert sink.taken == ["r1", "r3", "r4"]

    assert store.ledger.retry("ops") == 1
    _rounds(store, 2)
    assert sink.taken == ["r1", "r3", "r4"]
    assert store.ledger.subscriptions()[0].parked == 1, "refused once more: it waits for the next word"
    sink.refused.clear()
    _rounds(store, 2)
    assert sink.taken == ["r1", "r3", "r4"], "without a word it is not tried"
    store.ledger.retry("ops")
    _rounds(store, 2)
    assert sink.taken == ["r1", "r3", "r4", "r2"]
    assert store.ledger.parked("ops") == []
    assert store.ledger.retry("ops") == 0


def test_a_receiver_that_is_down_parks_nothing_however_long(store: Store, sink: type[Choosy]) -> None:
    store.ledger.subscribe("ops", "choosy", verbs=["run.*"])
    sink.down.append(True)
    for number in range(3):
        store.act("run.started", f"run:r{number}")
    _rounds(store, 12)
    (shown,) = store.ledger.subscriptions()
    assert (shown.failures, shown.parked) == (12, 0)
    sink.down.clear()
    _rounds(store, 1)
    assert sink.taken == ["r0", "r1", "r2"]


def test_a_poisonous_event_at_the_end_waits_for_the_next(store: Store, sink: type[Choosy]) -> None:
    store.ledger.subscribe("ops", "choosy", verbs=["run.*"])
    sink.refused.add("r1")
    store.act("run.started", "run:r1")
    _rounds(store, 8)
    assert store.ledger.subscriptions()[0].failures == 8
    store.act("run.started", "run:r2")
    _rounds(store, 1)
    assert sink.taken == ["r2"]
    assert [p.event.subject.name for p in store.ledger.parked("ops")] == ["r1"]


def test_a_retry_ends_the_pause(store: Store, sink: type[Choosy]) -> None:
    store.ledger.subscribe("ops", "choosy", verbs=["run.*"])
    sink.down.append(True)
    store.act("run.started", "run:r1")
    store.ledger.tick()
    sink.down.clear()
    store.ledger.tick()
    assert sink.taken == []
    store.ledger.retry("ops")
    store.ledger.tick()
    assert sink.taken == ["r1"]


def test_a_replay_sends_everything_again(store: Store, sink: type[Choosy]) -> None:
    for number in range(3):
        store.act("run.started", f"run:r{number}")
    store.ledger.subscribe("ops", "choosy", verbs=["run.*"])
    store.ledger.tick()
    assert sink.taken == []
    store.ledger.replay("ops")
    store.ledger.tick()
    assert sink.taken == ["r0", "r1", "r2"]
    store.ledger.replay("ops", after=1)
    store.ledger.tick()
    assert sink.taken == ["r0", "r1", "r2", "r2"]
    for after in (-2, 99):
        with pytest.raises(Invalid):
            store.ledger.replay("ops", after=after)
    for verb in (store.ledger.replay, store.ledger.retry, store.ledger.parked):
        with pytest.raises(NotFound):
            verb("opps")


def test_a_range_or_one_event_is_sent_again_beside_what_comes(store: Store, sink: type[Choosy]) -> None:
    store.ledger.subscribe("ops", "choosy", verbs=["run.*"])
    made = [store.act("run.started", f"run:r{number}") for number in range(4)]
    store.act("model.promoted", "model:late@1")
    store.ledger.tick()
    assert sink.taken == ["r0", "r1", "r2", "r3"]
    store.ledger.replay("ops", after=made[0].seq, until=made[2].seq)
    store.act("run.started", "run:r4")
    store.ledger.tick()
    assert sorted(sink.taken[4:]) == ["r1", "r2", "r4"]
    assert store.ledger.parked("ops") == []
    assert store.ledger.redeliver("ops", made[3].id).taken
    assert sink.taken[-1] == "r3"
    with pytest.raises(Invalid, match="no events stand after"):
        store.ledger.replay("ops", after=2, until=2)
    with pytest.raises(NotFound, match="no event"):
        store.ledger.redeliver("ops", "gone")


def test_one_process_at_a_time_serves_a_subscription(store: Store, sink: type[Choosy]) -> None:
    store.ledger.subscribe("ops", "choosy", verbs=["run.*"])
    other = Ledger(rows=store.rows, clock=store.clock, key_path=store.path / "ledger-key")
    store.act("run.started", "run:r1")
    store.edit(f"UPDATE ledger_subscription SET owner = 'another', lease_until = {time.time() + 60}")
    store.ledger.tick()
    other.tick()
    assert sink.taken == []
    store.edit(f"UPDATE ledger_subscription SET lease_until = {time.time() - 1}")
    other.tick()
    store.ledger.tick()
    assert sink.taken == ["r1"], "what a dead process held is taken over"


def test_who_lost_its_lease_moves_no_cursor(store: Store, sink: type[Choosy], monkeypatch: pytest.MonkeyPatch) -> None:
    store.ledger.subscribe("ops", "choosy", verbs=["run.*"])
    store.act("run.started", "run:r1")
    send = Choosy.send

    def slowly(self: Choosy, parcel: Parcel, around: Surroundings) -> None:
        store.edit("UPDATE ledger_subscription SET owner = 'another'")
        send(self, parcel, around)

    monkeypatch.setattr(Choosy, "send", slowly)
    store.ledger.tick()
    monkeypatch.setattr(Choosy, "send", send)
    store.edit("UPDATE ledger_subscription SET owner = '', lease_until = 0")
    store.ledger.tick()
    assert sink.taken == ["r1", "r1"], "at least once"


def test_what_was_unsubscribed_meanwhile_stays_so(store: Store, sink: type[Choosy], monkeypatch: pytest.MonkeyPatch) -> None:
    store.ledger.subscribe("ops", "choosy", verbs=["run.*"])
    store.act("run.started", "run:r1")
    monkeypatch.setattr(Choosy, "send", lambda *_: store.ledger.unsubscribe("ops"))
    store.ledger.tick()
    assert store.ledger.subscriptions() == []
    store.ledger.subscribe("ops", "choosy", verbs=["run.*"])
    assert store.ledger.parked("ops") == []


def test_two_processes_do_not_send_the_same_one_after_the_other(store: Store, sink: type[Choosy], monkeypatch: pytest.MonkeyPatch) -> None:
    """Between looking and claiming, the other process serves the subscription."""
    store.ledger.subscribe("ops", "choosy", verbs=["run.*"])
    other = Ledger(rows=store.rows, clock=store.clock, key_path=store.path / "ledger-key")
    store.act("run.started", "run:r1")
    write = store.rows.write

    def overtaken(change: Any) -> Any:
        monkeypatch.setattr(store.rows, "write", write)
        other.tick()
        return write(change)

    monkeypatch.setattr(store.rows, "write", overtaken)
    store.ledger.tick()
    assert sink.taken == ["r1"]


def test_a_paused_subscription_gets_nothing_and_then_everything(store: Store, sink: type[Choosy]) -> None:
    store.ledger.subscribe("ops", "choosy", verbs=["run.*"])
    assert store.ledger.pause("ops").paused
    store.ledger.pause("ops")
    for name in ("a", "b"):
        store.act("run.started", f"run:{name}")
    _rounds(store, 3)
    (shown,) = store.ledger.subscriptions()
    assert (sink.taken, shown.paused, shown.delivered_at) == ([], True, None)
    assert shown.waiting >= 2
    store.ledger.retry("ops")
    _rounds(store, 1)
    assert sink.taken == [], "to try again is not to resume"
    assert not store.ledger.resume("ops").paused
    _rounds(store, 1)
    (shown,) = store.ledger.subscriptions()
    assert (sink.taken, shown.waiting) == (["a", "b"], 0)
    assert shown.delivered_at is not None
    verbs = [event.verb for event in store.ledger.events(verb="ledger.*").items]
    assert [verbs.count(verb) for verb in ("ledger.paused", "ledger.resumed")] == [1, 1]
    with pytest.raises(NotFound):
        store.ledger.pause("op")


def test_a_subscription_is_tried_out_at_once(store: Store, sink: type[Choosy]) -> None:
    store.ledger.subscribe("ops", "choosy", verbs=["run.*"])
    store.ledger.pause("ops")
    trial = store.ledger.test("ops")
    assert (trial.taken, trial.error, sink.taken) == (True, "", ["ops"]), "although it is paused, and the verb is none of its own"
    assert store.ledger.event(trial.event).verb == "ledger.tested"
    sink.down.append(True)
    refused = store.ledger.test("ops")
    assert (refused.taken, refused.error) == (False, "not this one ")
    assert store.ledger.subscriptions()[0].failures == 0, "a trial is none of its deliveries"
