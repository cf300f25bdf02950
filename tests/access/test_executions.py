"""What a limited credential starts may no more than the credential, wherever and whenever it runs."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from ostinato.app import Ostinato
from ostinato.data.types import Contract
from ostinato.kernel.caller import Caller, Scope, calling
from ostinato.kernel.clock import ReplayClock
from ostinato.pipelines.types import Execution
from ostinato.pipelines.worker import work

FLOWS = '''
"""Pipelines that try more than they should."""

import ostinato as ost
from ostinato.kernel.caller import caller


@ost.step(cache=False)
def tried(what: str) -> str:
    app = ost.current().app
    acts = {
        "create": lambda: app.models.create("late"),
        "look": lambda: app.models.all(),
        "read": lambda: app.datasets.table("flights"),
        "token": lambda: app.access.issue_token("person:ana", permissions=["*:*"]),
        "grant": lambda: app.access.create_person("eve", ["admin"]),
        "rows": lambda: app.rows,
        "private": lambda: app.models._rows,
        "log": lambda: ost.current().run.log(auc=0.5, step=0),
        "run": lambda: app.run("aside"),
        "again": lambda: app.pipelines.start("scoped_flows:attempt", {"what": "create"}).id,
        "me": lambda: str(app.access.whoami().permissions),
    }
    return str(acts[what]())


@ost.pipeline
def attempt(what: str) -> str:
    return tried(what)
'''


@pytest.fixture
def app(tmp_path: Path, clock: ReplayClock, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ostinato]:
    (tmp_path / "scoped_flows.py").write_text(FLOWS)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("OSTINATO_PIPELINES", "scoped_flows")
    importlib.invalidate_caches()
    with Ostinato.open(tmp_path / "store", clock=clock) as opened:
        opened.access.create_person("ana", ["project_admin"])
        yield opened
    sys.modules.pop("scoped_flows", None)


def by_token(app: Ostinato, *permissions: str, actor: str = "person:ana") -> Caller:
    with calling(Caller(actor=actor)):
        issued = app.access.issue_token(actor, permissions=list(permissions) or None)
    return Caller(actor=actor, credential=issued.token.id)


def done(app: Ostinato, what: str, who: Caller) -> Execution:
    with calling(who):
        asked = app.pipelines.start("scoped_flows:attempt", {"what": what})
    work(app, app.pipelines, threading.Event(), once=True)
    found = app.pipelines.get(asked.id)
    print(found.error, found.traceback)
    return found


def test_an_execution_may_no_more_than_the_token_that_started_it(app: Ostinato) -> None:
    narrow = by_token(app, "pipeline:*", "model:read", "run:*")
    assert done(app, "look", narrow).state == "finished"
    assert done(app, "log", narrow).state == "finished"
    assert done(app, "run", narrow).state == "finished"
    for what in ("create", "read", "token", "grant", "rows", "private"):
        failed = done(app, what, narrow)
        assert (what, failed.state) == (what, "failed")
        assert any(words in failed.error for words in ("may not", "out of reach", "your own token")), failed.error
    told = app.ledger.events(verb="access.denied").items
    assert ("model:write", "models.create") in [(event.data["permission"], event.data["operation"]) for event in told]
    assert all(event.actor == "person:ana" and event.data["within"] for event in told)
    assert done(app, "create", Caller(actor="person:ana")).state == "finished", "without a token there is no limit but the person's"


def test_the_limit_outlives_the_token_and_counts_with_the_roles_of_the_moment(app: Ostinato) -> None:
    narrow = by_token(app, "pipeline:*", "model:write")
    with calling(narrow):
        asked = [app.pipelines.start("scoped_flows:attempt", {"what": what}, key=what) for what in ("create", "look", "me")]
        app.access.revoke_token(narrow.credential)
    assert app.ledger.events(verb="execution.requested").items[0].data["scope"]["permissions"] == ["model:write", "pipeline:*"]
    work(app, app.pipelines, threading.Event(), once=True)
    assert [app.pipelines.get(one.id).state for one in asked] == ["finished", "failed", "finished"]
    assert app.pipelines.output(asked[2].id) == "['model:write', 'pipeline:read', 'pipeline:write']"
    late = by_token(app, "pipeline:*", "model:*")
    with calling(late):
        asked = [app.pipelines.start("scoped_flows:attempt", {"what": "look"})]
    app.access.revoke("person:ana", "project_admin")
    work(app, app.pipelines, threading.Event(), once=True)
    assert app.pipelines.get(asked[0].id).state == "failed"


def test_what_it_starts_in_turn_is_limited_alike(app: Ostinato) -> None:
    narrow = by_token(app, "pipeline:*")
    first = done(app, "again", narrow)
    second = app.pipelines.get(app.pipelines.output(first.id))
    assert (second.state, "model:write" in second.error) == ("failed", True)


def test_schedules_and_triggers_remember_who_set_them_and_how_far_they_reached(app: Ostinato, clock: ReplayClock) -> None:
    narrow = by_token(app, "pipeline:*")
    with calling(narrow):
        app.pipelines.schedule("nightly", "scoped_flows:attempt", "0 3 * * *", parameters={"what": "create"})
        app.pipelines.trigger("each", "dataset.created", "scoped_flows:attempt", parameters={"what": "create"})
    app.ledger.tick()
    clock.set(clock.now() + timedelta(days=1))
    app.datasets.create("flights", Contract())
    app.tick()
    work(app, app.pipelines, threading.Event(), once=True)
    found = app.pipelines.search().items
    assert sorted(one.cause for one in found) == ["schedule:nightly", "trigger:each"]
    assert {(one.state, "model:write" in one.error) for one in found} == {("failed", True)}
    with calling(Caller(actor="person:ana")):  # set by somebody who reaches further, it is another schedule
        app.pipelines.schedule("nightly", "scoped_flows:attempt", "0 3 * * *", parameters={"what": "create"})
    clock.set(clock.now() + timedelta(days=1))
    app.tick()
    work(app, app.pipelines, threading.Event(), once=True)
    assert app.pipelines.search(state="finished").items[0].cause == "schedule:nightly"


def test_what_another_issued_approves_nothing_through_an_execution_either(app: Ostinato) -> None:
    issued = app.access.issue_token("person:ana")
    with calling(Caller(actor="person:ana", credential=issued.token.id)):
        asked = app.pipelines.start("scoped_flows:attempt", {"what": "me"})
    work(app, app.pipelines, threading.Event(), once=True)
    mine = app.pipelines.output(asked.id)
    assert "model:promote" in mine
    assert "model:approve" not in mine


def test_a_scope_is_kept_as_it_is() -> None:
    for scope in (Scope(), Scope(permissions=("run:*",)), Scope(projects=("a", "b"), delegated=True), Scope(permissions=())):
        assert Scope.kept(scope.told()) == scope
    assert Scope.kept(None) is None
