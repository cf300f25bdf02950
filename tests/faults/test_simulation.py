"""The protocol of claims, leases and deliveries, simulated: the real statements, workers without threads, and chance from a seed.

A seed decides who acts, how long everything takes, and what goes wrong: workers are killed or stand still, commits are lost or their
answers are, deliveries come twice or late, the clock of the database is set, the machine starts again. What fails says its
seed; `OSTINATO_FAULT_SEED=17` runs that one alone.
"""

from __future__ import annotations

import functools
import os
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData, create_engine, select, update
from sqlalchemy.pool import StaticPool

from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.clock import ReplayClock
from ostinato.kernel.errors import Conflict, Unavailable
from ostinato.ledger.service import Ledger
from ostinato.pipelines import claims, step_store, store
from ostinato.pipelines.claims import Claims, finish_run
from ostinato.pipelines.leases import Batch, Claim, Deliveries, LeaseLost
from ostinato.pipelines.recording import Recorder
from ostinato.storage.blobs.local import Local
from ostinato.storage.rows import lease
from ostinato.storage.rows.lease import LeaseClock, Moment
from ostinato.storage.rows.rows import Rows, Tx, metadata
from ostinato.tracking.service import Runs

SEEDS = 100
"""What is planted is found by the first few."""
LEASE_S = 9.0
WORKERS, EXECUTIONS, STEPS = 3, 2, 3
STORM, CALM = 60, 600
"""How many turns things go wrong, and within how many more everything must have ended."""


class Straight:
    """Rows in memory, without threads."""

    def __init__(self) -> None:
        engine = create_engine("sqlite://", poolclass=StaticPool, isolation_level="AUTOCOMMIT")
        self._connection = engine.connect()
        self._driver = self._connection.connection.driver_connection
        metadata.create_all(self._connection)

    def read(self, query: Callable[[Tx], Any]) -> Any:
        return query(Tx(self._connection, self._driver))

    def write(self, change: Callable[[Tx], Any], *, end: str = "COMMIT") -> Any:
        self._driver.execute("BEGIN")
        try:
            done = change(Tx(self._connection, self._driver))
        except BaseException:
            end = "ROLLBACK"
            raise
        finally:
            self._driver.execute(end)
        return done

    def create(self, tables: MetaData) -> None: ...

    def close(self) -> None:
        self._connection.close()


class World:
    """What all workers share: the store, the time, and the chance."""

    def __init__(self, rows: Straight, parts: dict[str, Any], seed: int) -> None:
        self.chance = random.Random(seed)
        self.rows, self.parts = rows, parts
        self.caller = Caller(actor="person:ana", project=f"seed-{seed}")
        self.steady = seed % 2 == 0
        self.s, self.set_by, self.boot, self.booted_s = 1000.0, 0.0, 0, 0.0
        self.storm = False
        self.acknowledged: set[str] = set()
        self.sent: list[tuple[Worker, Deliveries, int, Batch]] = []
        self.workers = [Worker(self, number) for number in range(WORKERS)]
        self.executions = [f"{seed}-{number}" for number in range(EXECUTIONS)]
        for id_ in self.executions:
            values = {"id": id_, "pipeline": "sim", "target": "x:y", "parameters": {}, "attempts": 10_000, "trace": "", "tags": []}
            asked = {"queue": "default", "priority": 0, "created_at": parts["clock"].now(), "actor": "person:ana"}
            self.workers[0].claims.request(values | asked | {"project": self.caller.project}, embedded=False)

    def odds(self, one_in: float) -> bool:
        return self.storm and self.chance.random() * one_in < 1

    def turn(self) -> None:
        """Time passes, something may go wrong, and one worker acts."""
        self.s += self.chance.expovariate(1.0)
        if self.odds(15):
            self.chance.choice(self.workers).die()
        if self.odds(15):
            self.chance.choice(self.workers).paused_s = self.s + self.chance.uniform(0, 2 * LEASE_S)
        if self.odds(20) and not self.steady:
            self.set_by += self.chance.choice((3600.0, -3600.0, 20.0, -20.0))
        if self.odds(60) and self.steady:
            self.boot, self.booted_s = self.boot + 1, self.s
            for worker in self.workers:
                worker.die()
        if self.odds(8) and self.sent:
            self.again(*self.chance.choice(self.sent))
        self.chance.choice(self.workers).act()
        for id_ in self.executions:
            sure = [worker.number for worker in self.workers if worker.sure_of(id_)]
            assert len(sure) <= 1, f"{sure} all hold {id_}"

    def again(self, worker: Worker, deliveries: Deliveries, number: int, batch: Batch) -> None:
        """A delivery comes once more, or only now, whoever it was from."""
        until_s, claim = deliveries.deadline_s, deliveries._claim
        row = self.row(claim.id)
        try:
            deliveries._rows = self.rows
            deliveries.send(number, batch)
            assert (row.fence, row.state) == (claim.fence, "running"), "what came late was taken"
            self.acknowledged |= {line["text"] for line in batch.logs}
        except Conflict:
            assert (row.fence, row.state) != (claim.fence, "running")
        finally:
            deliveries._rows = worker
            deliveries.deadline_s = until_s  # the network sent it: its worker knows nothing

    def row(self, id_: str) -> Any:
        return self.rows.read(lambda tx: store.execution(tx, self.caller.project, id_))

    def ended(self) -> bool:
        return all(self.row(id_).state == "finished" for id_ in self.executions)

    def judge(self) -> None:
        """Everything was done, and accepted once."""
        wanted = {f"{id_}.{step}" for id_ in self.executions for step in range(STEPS)}
        c, s = step_store.logs.c, step_store.steps.c
        of = self.caller.project
        lines = self.rows.read(lambda tx: tx.all(select(c.step, c.text).where(c.project == of)))
        assert Counter(line.step for line in lines) == Counter(wanted), "an effect was lost or accepted twice"
        assert self.acknowledged <= {line.text for line in lines}, "what was acknowledged is gone"
        states = self.rows.read(lambda tx: tx.all(select(s.id, s.state).where(s.project == of)))
        assert Counter(tuple(row) for row in states) == Counter((id_, "finished") for id_ in wanted)
        runs, ledger = self.parts["runs"], self.parts["ledger"]
        events = Counter((event.subject.name, event.verb) for event in ledger.events(limit=1000).items)
        for id_ in self.executions:
            row = self.row(id_)
            assert row.cpu_s == STEPS, "what was spent was counted twice, or lost"
            assert (events[id_, "execution.finished"], events[id_, "execution.started"]) == (1, row.fence)
            assert runs.get(id_).state == "finished"
        assert runs.search(state="running").items == []


class Worker(LeaseClock):
    """A worker that does one thing at a time; its rows are those of the world with what goes wrong on the way there and back."""

    def __init__(self, world: World, number: int) -> None:
        self.world, self.number = world, number
        self.ahead_s = 500.0 * number
        self.paused_s = 0.0
        self.die()

    # ---- its clock, and that of the store

    def machine_s(self) -> float:
        world = self.world
        return world.s - world.booted_s if world.steady else world.s + self.ahead_s

    def now(self, tx: Tx) -> Moment:
        world = self.world
        if world.steady:
            return Moment(self.machine_s(), f"boot {world.boot}", steady=True)
        return Moment(world.s + world.set_by, "database", steady=False)

    # ---- its way to the store

    def read(self, query: Callable[[Tx], Any]) -> Any:
        return self.world.rows.read(query)

    def write(self, change: Callable[[Tx], Any]) -> Any:
        world = self.world
        world.s += world.chance.expovariate(4.0)  # it waits for its turn to write
        if world.odds(10):
            raise Unavailable("it never arrived")
        if world.odds(10):
            world.rows.write(change, end="ROLLBACK")  # another change of its group failed: it is made once more
        done = world.rows.write(change)
        if world.odds(8):
            raise Unavailable("the connection broke during the commit: whether it was written is unknown")
        return done

    # ---- what it does

    def die(self) -> None:
        """Forget everything; a new process takes its place."""
        rows: Rows = self
        parts = self.world.parts
        self.claims = Claims(rows, parts["ledger"], parts["clock"], parts["recorder"], self, LEASE_S, 0.0)
        self.claim: Claim | None = None
        self.pending: tuple[int, Batch] | None = None

    def sure_of(self, id_: str) -> bool:
        """Whether it would go on with an execution."""
        return self.claim is not None and self.claim.id == id_ and self.machine_s() <= self.deliveries.deadline_s

    def act(self) -> None:
        if self.world.s < self.paused_s:
            return
        try:
            self._next()
        except Unavailable:
            pass  # the same again at its next turn
        except (LeaseLost, Conflict):
            self.claim = self.pending = None

    def _next(self) -> None:
        if self.claim is None:
            self._take(self.claims.claim(["default"]))
        elif not self.sure_of(self.claim.id):
            raise LeaseLost
        elif self.pending is not None:
            number, batch = self.pending
            self.world.sent.append((self, self.deliveries, number, batch))
            self.deliveries.send(number, batch)
            self.world.acknowledged |= {line["text"] for line in batch.logs}
            self.pending = None
        elif self.world.s < self.busy_s:
            self._hand_in(Batch())  # only the lease is renewed
        elif self.world.odds(25):
            claim, self.claim = self.claim, None
            self.claims.release(claim)
        elif self.step < STEPS:
            self._go_on(self.claim, f"{self.claim.id}.{self.step}")
        else:
            self.claims.end(self.claim, "finished", output="null")
            row = self.world.row(self.claim.id)
            assert (row.fence, row.state) == (self.claim.fence, "finished")
            self.claim = None

    def _take(self, claim: Claim | None) -> None:
        if claim is not None:
            self.claim, self.step, self.running, self.number_sent, self.busy_s = claim, 0, False, 0, 0.0
            self.deliveries = Deliveries(self, self.world.parts["recorder"], self, claim, LEASE_S)

    def _hand_in(self, batch: Batch) -> None:
        self.number_sent += 1
        self.pending = self.number_sent, batch

    def _go_on(self, claim: Claim, step: str) -> None:
        run = f"{step}.{claim.attempt}.{claim.fence}"
        at = self.world.parts["clock"].now()
        row = {
            "id": step, "project": claim.project, "execution": claim.id, "seq": self.step, "key": step.encode(), "run": run, "name": "s",
            "cached": False, "attempt": 1, "queued": at, "started": at, "ended": None, "wall_s": 0.0, "cpu_s": 1.0, "peak_rss_mb": 1.0,
            "output": "1", "type": "json", "needs": "[]", "arguments": "{}", "code": "", "error": "", "traceback": "",
        }  # fmt: skip
        if self.read(lambda tx: step_store.recall(tx, claim.project, [step.encode()])):
            self.step += 1
        elif not self.running:
            self.running = True
            start = functools.partial(Runs.start, experiment="sim", parent=claim.id, id=run)
            self._hand_in(Batch(steps={step: row | {"state": "running"}}, acts=[start]))
            self.busy_s = self.world.s + self.world.chance.expovariate(0.5)
        else:
            self.running, self.step = False, self.step + 1
            line = {
                "project": claim.project,
                "execution": claim.id,
                "step": step,
                "at": at,
                "text": f"{step} by {self.number}, {claim.fence}",
            }
            memo = {"project": claim.project, "key": step.encode(), "output": "1", "step": step}
            finish = functools.partial(finish_run, run=run, state="finished")
            done = row | {"state": "finished", "ended": at}
            self._hand_in(Batch(steps={step: done}, memo={step.encode(): memo}, logs=[line], cpu_s=1.0, peak_rss_mb=1.0, acts=[finish]))


def simulate(rows: Straight, parts: dict[str, Any], seed: int) -> None:
    """One life of a few executions.

    Raises:
        AssertionError: what must hold does not; it says the seed.
    """
    try:
        with calling(Caller(actor="person:ana", project=f"seed-{seed}")):
            world = World(rows, parts, seed)
            for turn in range(STORM + CALM):
                world.storm = turn < STORM
                world.turn()
                if not world.storm and turn % 10 == 0 and world.ended():
                    break
            assert world.ended(), "it did not end"
            world.judge()
    except Exception as error:
        raise AssertionError(f"seed {seed}: {error} (again with OSTINATO_FAULT_SEED={seed})") from error


def simulate_all(rows: Straight, parts: dict[str, Any], seeds: Iterable[int]) -> None:
    for seed in seeds:
        simulate(rows, parts, seed)


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Straight, dict[str, Any]]]:
    monkeypatch.setattr(claims, "is_gone", lambda _: False)  # all workers are of other machines: nobody sees them die
    rows, clock, blobs = Straight(), ReplayClock(datetime(2013, 1, 1, tzinfo=UTC)), Local(tmp_path / "blobs")
    ledger = Ledger(rows=rows, clock=clock, key_path=tmp_path / "key")
    recorder = Recorder(blobs, ledger, clock)
    yield rows, {"clock": clock, "ledger": ledger, "recorder": recorder, "runs": rows.write(recorder.within)}
    rows.close()


def test_every_seed_keeps_what_must_hold(parts: tuple[Straight, dict[str, Any]], scale: float) -> None:
    alone = os.environ.get("OSTINATO_FAULT_SEED", "")
    simulate_all(*parts, [int(alone)] if alone.isdecimal() else range(int(SEEDS * scale)))


def repeated(tx: Tx, id: str, fence: int, now: Moment, number: int, spent_s: float, peak_mb: float) -> bool:
    """`store.delivered` without its count."""
    tx.execute(update(store.executions).where(store.executions.c.id == id).values(delivered=0))
    return honest(tx, id, fence, now, number, spent_s, peak_mb)


def unfenced(tx: Tx, id: str, _: int, *told: Any) -> bool:
    """`store.delivered` that takes what comes from anybody."""
    return honest(tx, id, tx.first(select(store.executions.c.fence).where(store.executions.c.id == id))[0], *told)


honest = store.delivered
PLANTED: dict[str, tuple[Any, str, Any, str]] = {
    "a repeat counts": (store, "delivered", repeated, "(accepted twice|killed|counted twice)"),
    "the fence is not asked": (store, "delivered", unfenced, "what came late was taken"),
    "the clock of the database is believed": (lease.Watch, "still_s", lambda *_: 1e9, "all hold"),
    "no lease ends": (Moment, "stands", lambda *_: True, "it did not end"),
}


@pytest.mark.parametrize("plant", PLANTED)
def test_what_is_planted_is_found(parts: tuple[Straight, dict[str, Any]], plant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    thing, name, instead, complaint = PLANTED[plant]
    monkeypatch.setattr(thing, name, instead)
    with pytest.raises(AssertionError, match=rf"(?s)seed \d+: .*{complaint}"):
        simulate_all(*parts, range(SEEDS))
