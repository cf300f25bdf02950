"""What starts by itself does so on behalf of who set it, and of nobody who has left or lost the right."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from ostinato.access.service import Access
from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.ref import Ref
from ostinato.pipelines.worker import work

ADMIN = Caller(actor="person:admin")


@pytest.fixture
def access(app: SimpleNamespace, tmp_path: Path) -> Iterator[Access]:
    """Ana, who calls, and Ben are scientists."""
    made = Access(rows=app.rows, record=app.ledger.append, clock=app.clock)
    made.bootstrap(tmp_path)
    with calling(ADMIN):
        made.create_person("ana", ["scientist"])
        made.create_person("ben", ["scientist"])
    with calling(Caller(actor="person:ana")):
        yield made


def due(app: SimpleNamespace) -> list[str]:
    """An hour later, after an event: on whose behalf what was started."""
    app.clock.set(app.clock.now() + timedelta(hours=1))
    app.rows.write(lambda tx: app.ledger.append(tx, "dataset.delivered", Ref("dataset", "flights")))
    app.pipelines.tick()
    return sorted(f"{execution.cause} {execution.actor}" for execution in app.pipelines.search().items)


def let(app: SimpleNamespace) -> None:
    app.pipelines.schedule("hourly", "flows:train", "0 * * * *", parameters={"n": 1})
    app.pipelines.trigger("fresh", "dataset.delivered", "flows:train", parameters={"n": 1})


@pytest.mark.parametrize("how", ["disabled", "revoked"])
def test_nothing_starts_for_who_has_left(app: SimpleNamespace, flows: ModuleType, access: Access, how: str) -> None:
    let(app)
    before = due(app)
    assert before == ["schedule:hourly person:ana", "trigger:fresh person:ana"]
    with calling(ADMIN):
        if how == "disabled":
            access.disable("person:ana")
        else:
            access.revoke("person:ana", "scientist")
    assert due(app) == before
    for verb in ("schedule.failed", "trigger.failed"):
        (failed,) = app.ledger.events(verb=verb).items
        assert "person:ana may not pipeline:write" in failed.data["error"]
    with calling(Caller(actor="person:ben")):
        let(app)
    assert due(app) == sorted([*before, "schedule:hourly person:ben", "trigger:fresh person:ben"])


def test_what_waits_is_not_run_for_who_is_disabled(app: SimpleNamespace, flows: ModuleType, access: Access) -> None:
    waiting = app.pipelines.start("flows:train", {"n": 1})
    with calling(ADMIN):
        access.disable("person:ana")
    work(app, app.pipelines, threading.Event(), once=True)
    ended = app.pipelines.get(waiting.id)
    assert (ended.state, ended.error) == ("failed", "person:ana, for whom it would have run, is disabled")
