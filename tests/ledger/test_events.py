"""Appending, reading, commenting."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import Corrupt, Invalid, NotFound, TooLarge
from ostinato.kernel.ref import Ref
from ostinato.ledger import lineage, service
from ostinato.ledger.types import SealState

if TYPE_CHECKING:
    from tests.ledger.conftest import Store

    from ostinato.kernel.event import Event


def test_an_event_reads_back_as_it_was_appended(store: Store) -> None:
    data = {
        "rows": np.int64(3),
        "auc": np.float64(0.7),
        "of": Ref("model", "late", "7"),
        "at": datetime(2013, 1, 1, tzinfo=UTC),
        "pair": (1, float("nan")),
    }
    event = store.act("dataset.delivered", "dataset:flights", ["source:a.csv"], ["dataset:flights@1"], data)
    assert event.seq == 0
    assert event.actor == "person:ana"
    assert event.at == datetime(2013, 1, 1, tzinfo=UTC)
    assert event.data == {"rows": 3, "auc": 0.7, "of": "model:late@7", "at": "2013-01-01T00:00:00Z", "pair": [1, None]}
    assert store.ledger.events().items == [event]


def test_an_act_that_fails_leaves_no_event(store: Store) -> None:
    def change(tx: object) -> None:
        store.ledger.append(tx, "model.approved", Ref("model", "late", "1"))  # type: ignore[arg-type]
        raise RuntimeError("after the event")

    with pytest.raises(RuntimeError, match="after the event"):
        store.rows.write(change)
    assert store.ledger.events().items == []
    assert store.act("model.approved", "model:late@1").seq == 0


def test_a_verb_has_a_form(store: Store) -> None:
    with pytest.raises(Invalid, match="approve") as error:
        store.act("approve", "model:late@1")
    assert "model.approved" in error.value.hint


def test_each_change_is_recorded_for_who_asked_for_it(store: Store) -> None:
    def act(number: int) -> None:
        with calling(Caller(actor=f"person:p{number % 4}", project=f"project{number % 2}")):
            store.act("run.started", f"run:r{number}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(act, range(80)))
    events = store.ledger.after("everything", limit=1000)
    assert [e.seq for e in events] == list(range(80))
    assert all(e.actor == f"person:p{int(e.subject.name[1:]) % 4}" for e in events)
    assert all(e.project == f"project{int(e.subject.name[1:]) % 2}" for e in events)


def test_projects_do_not_see_each_other(store: Store) -> None:
    store.act("run.started", "run:r1", ["dataset:d@1"])
    with calling(Caller(actor="person:bo", project="other")):
        assert store.ledger.events().items == []
        assert store.ledger.history(Ref("run", "r1")) == []
        assert store.ledger.lineage(Ref("run", "r1")).edges == []


def test_filters_and_pages(store: Store) -> None:
    for day in range(1, 6):
        store.clock.set(datetime(2013, 1, day, tzinfo=UTC))
        store.act("dataset.delivered", f"dataset:flights@{day}")
        with calling(Caller(actor="person:bo")):
            store.act("model.approved", f"model:late@{day}", ["dataset:flights@1"])
    ledger = store.ledger
    assert len(ledger.events(subject=Ref("model", "late")).items) == 5
    assert len(ledger.events(subject=Ref("model", "late", "3")).items) == 1
    assert {e.verb for e in ledger.events(verb="model.*").items} == {"model.approved"}
    assert ledger.events(verb="model.%").items == []
    assert {e.actor for e in ledger.events(actor="person:bo").items} == {"person:bo"}
    day = datetime(2013, 1, 3, tzinfo=UTC)
    assert [e.seq for e in ledger.events(since=day, until=day).items] == [4, 5]
    assert [e.seq for e in ledger.history(Ref("dataset", "flights", "1"), at=day)] == [0, 1, 3, 5]
    assert [e.seq for e in ledger.events(newest_first=True, limit=3).items] == [9, 8, 7]

    for newest_first in (False, True):
        seen, after = [], None
        while True:
            page = ledger.events(after=after, limit=3, newest_first=newest_first)
            seen += [e.seq for e in page.items]
            after = page.next
            if after is None:
                break
        assert sorted(seen, reverse=newest_first) == seen
        assert len(seen) == 10


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"limit": 1001}, {"after": "x"}, {"after": "-1"}])
def test_pages_refuse_nonsense(store: Store, wrong: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        store.ledger.events(**wrong)


def test_a_comment_said_twice_is_one(store: Store) -> None:
    late = Ref("model", "late", "7")
    first = store.ledger.comment(late, "looks fine")
    assert store.ledger.comment(late, "looks fine") == first
    assert store.ledger.comment(late, "looks fine", key="again").seq == first.seq + 1
    with calling(Caller(actor="person:bo")):
        assert store.ledger.comment(late, "looks fine").actor == "person:bo"
    assert [e.data["text"] for e in store.ledger.events(subject=late, verb="model.commented").items] == ["looks fine"] * 3
    with pytest.raises(Invalid):
        store.ledger.comment(late, "  ")


def test_a_cursor_moves_forward_only(store: Store) -> None:
    for number in range(5):
        store.act("run.started", f"run:r{number}")
    ledger = store.ledger
    assert [e.seq for e in ledger.after("ui", limit=2)] == [0, 1]
    assert [e.seq for e in ledger.after("ui", limit=2)] == [0, 1], "what was not advanced over comes again"
    ledger.advance("ui", 3)
    ledger.advance("ui", 1)
    assert [e.seq for e in ledger.after("ui")] == [4]
    with pytest.raises(RuntimeError):
        store.rows.write(lambda tx: (ledger.advance("ui", 4, tx), (_ for _ in ()).throw(RuntimeError("the effect failed")))[0])
    assert [e.seq for e in ledger.after("ui")] == [4]


def test_a_hand_gets_the_events_of_its_verbs_until_it_was_done_with_each(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger, handed = store.ledger, list[int]()
    for number in range(6):
        store.act("run.failed" if number % 2 else "run.started", f"run:r{number}")

    def handle(event: Event, unless: int) -> bool:
        handed.append(event.seq)
        if event.seq == unless:
            raise RuntimeError("it cannot be handled")
        return event.seq != -unless

    def round_(unless: int = 99) -> None:
        handed.clear()
        ledger.hand("ops", partial(handle, unless=unless), ["run.failed"])

    with pytest.raises(RuntimeError):
        round_(unless=3)
    assert handed == [1, 3]
    round_(unless=-5)
    assert handed == [3, 5], "what was refused comes again, what was handled does not"
    round_()
    assert handed == [5], "whoever was not done with it gets it again"
    store.act("run.started", "run:r7")
    writes: list[object] = []
    monkeypatch.setattr(store.rows, "write", writes.append)
    round_()
    assert (handed, writes) == ([], []), "a round with nothing to hand writes nothing"


_WRITER = """
import os
import sys
from pathlib import Path
from ostinato.kernel.caller import Caller, set_process_caller
from ostinato.kernel.clock import SystemClock
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.storage.rows.rows import metadata
from ostinato.testing.rows import opened
home = Path(sys.argv[1])
rows = opened(os.environ.get("OSTINATO_DATABASE_URL") or str(home / "ostinato.db"))
rows.create(metadata)
ledger = Ledger(rows=rows, clock=SystemClock(), key_path=home / "ledger-key")
set_process_caller(Caller(actor="service:writer"))
for number in range(100_000):
    run = Ref("run", f"{sys.argv[2]}.{number}")
    event = rows.write(lambda tx: ledger.append(tx, "run.started", run, inputs=[Ref("dataset", "d", "1")]))
    print(event.id, flush=True)
    if number % 20 == 0:
        ledger.seal()
"""


def test_killed_writers_lose_nothing_acknowledged_and_leave_no_gap(store: Store) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", textwrap.dedent(_WRITER), str(store.path), f"w{n}"], stdout=subprocess.PIPE, text=True)
        for n in range(2)
    ]
    acknowledged = []
    for writer in writers:
        assert writer.stdout is not None
        acknowledged += [writer.stdout.readline().strip() for _ in range(60)]
    for writer in writers:
        writer.kill()
        rest, _ = writer.communicate()
        acknowledged += [line for line in rest.split("\n")[:-1] if line]
    events = store.ledger.after("all", limit=100_000)
    assert [e.seq for e in events] == list(range(len(events)))
    assert len(acknowledged) >= 120
    assert set(acknowledged) <= {e.id for e in events}
    store.ledger.seal()
    found = store.ledger.verify()
    assert found.ok, found.problems
    assert found.events == found.sealed == len(events)


@pytest.mark.parametrize("data", [{"n": 2**70}, {"of": object()}, {"text": "\ud800"}, {1: 2, "b": {("t",): 1}}])
def test_what_no_event_can_hold_is_refused_before_anything_is_written(store: Store, data: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        store.act("run.started", "run:r1", data=data)
    assert store.ledger.events().items == []


def test_a_damaged_event_is_called_that(store: Store) -> None:
    store.act("run.started", "run:r1", ["dataset:d@1"])
    for body in ("x'00'", "x'ff'", "'text'", "CAST(x'9b02' || substr(body, 3) AS BLOB)"):
        store.edit(f"UPDATE ledger_event SET body = {body}")
        for read in (store.ledger.events, lambda: store.ledger.lineage(Ref("run", "r1")), lambda: store.ledger.after("ui")):
            with pytest.raises(Corrupt, match="event 0 is damaged"):
                read()


def test_a_history_is_never_cut_in_silence(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for day in range(1, 8):
        store.clock.set(datetime(2013, 1, day, tzinfo=UTC))
        store.act("dataset.delivered", "dataset:flights", outputs=[f"dataset:flights@{day}"])
        store.act("run.started", f"run:r{day}")
    ledger, flights = store.ledger, Ref("dataset", "flights")
    whole = ledger.history(flights)
    assert len(whole) == 7
    for newest_first in (False, True):
        seen: list[Event] = []
        while part := ledger.history(flights, after=seen[-1].seq if seen else None, limit=3, newest_first=newest_first):
            seen += part
        assert seen == (whole[::-1] if newest_first else whole)
    monkeypatch.setattr(service, "_ALL", 6)
    with pytest.raises(TooLarge, match="more than 6 events are about dataset:flights"):
        ledger.history(flights)
    assert len(ledger.history(flights, at=whole[5].at)) == 6
    assert len(ledger.history(flights, limit=1000)) == 7


def test_lineage_says_so_where_events_without_an_edge_fill_its_limit(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        store.act("run.touched", "run:r1", ["run:r1"], ["run:r1"])  # from itself to itself: no edge
    store.act("run.finished", "run:r1", ["dataset:d@1"], ["run:r1"])
    assert not store.ledger.lineage(Ref("run", "r1")).truncated
    monkeypatch.setattr(lineage, "_EDGES_MAX", 2)
    cut = store.ledger.lineage(Ref("run", "r1"))
    assert (cut.edges, cut.truncated) == ([], True)


def test_a_search_is_counted_over_time_and_by_what_would_narrow_it(store: Store) -> None:
    store.act("dataset.delivered", "dataset:flights", ["source:a.csv"], ["dataset:flights@1"])
    store.act("model.registered", "model:late@1", ["dataset:flights@1"], ["model:late@1"])
    with calling(Caller(actor="person:ben", project="default")):
        store.act("model.approved", "model:late@1")
    counted = store.ledger.tally()
    assert counted.events == 3
    assert sum(bin.events for bin in counted.bins) == 3
    assert counted.actors == {"person:ana": 2, "person:ben": 1}
    touching = store.ledger.tally(touching=Ref("dataset", "flights"), verb="dataset.*")
    assert touching.events == 1
    assert touching.verbs == {"dataset.delivered": 1, "model.registered": 1}  # as if no verb were asked for
    found = store.ledger.events(touching=Ref("dataset", "flights")).items
    assert [event.verb for event in found] == ["dataset.delivered", "model.registered"]
    assert store.ledger.tally(actor="person:nobody").bins == []
    with pytest.raises(Invalid, match="bins"):
        store.ledger.tally(bins=0)


def test_the_state_of_the_seals_is_told_without_reading_the_events(store: Store) -> None:
    assert store.ledger.seal_state() == SealState(events=0, head=None)
    store.act("model.approved", "model:late@1")
    head = store.ledger.seal()
    store.act("model.promoted", "model:late@1")
    assert store.ledger.seal_state() == SealState(events=2, head=head)


def test_an_event_is_found_by_its_id_within_its_project(store: Store) -> None:
    event = store.act("model.approved", "model:late@1")
    assert store.ledger.event(event.id) == event
    with calling(Caller(actor="person:ana", project="other")), pytest.raises(NotFound, match=event.id):
        store.ledger.event(event.id)
