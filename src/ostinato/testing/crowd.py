"""Servers, workers and clients on one store, each a process that may be killed at any moment, and a check of what they left.

Every client writes down what it asks for before it asks and again once it is acknowledged, so that afterwards it can be told what was
lost, what came twice, and what nobody had asked for. Needs Linux: processes are forked from one that has imported everything, so a
killed one is back within some tens of milliseconds.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import count
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, TypeVar

from ostinato.app import Ostinato
from ostinato.client.remote import connect
from ostinato.kernel.errors import Unavailable
from ostinato.kernel.ref import Ref
from ostinato.pipelines.definition import pipeline, step
from ostinato.pipelines.worker import work
from ostinato.server.workers import die_with
from ostinato.testing.doors import served
from ostinato.testing.history import Witness
from ostinato.tracking.types import MetricFrame

T = TypeVar("T")
TICK_S = 0.2
PATIENCE_S = 60.0
POINTS = 3
_FORKS = multiprocessing.get_context("forkserver")


def fork(act: Callable[..., None], *arguments: Any, env: Mapping[str, str] | None = None) -> BaseProcess:
    """Start `act` of this module in a process of its own, with these settings in its environment; it ends with its parent."""
    _FORKS.set_forkserver_preload([__name__])
    process = _FORKS.Process(target=_begin, args=(act, arguments, dict(env or {})), daemon=True)
    process.start()
    return process


def _begin(act: Callable[..., None], arguments: tuple[Any, ...], env: dict[str, str]) -> None:
    die_with(os.getppid())
    for name in [name for name in os.environ if name.startswith("OSTINATO_")]:
        del os.environ[name]  # as they were when the first process was forked, perhaps by another test
    os.environ.update(env)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    act(*arguments)


# ---- who may be killed


def server(data: Path, port: int) -> None:
    """HTTP and the background duties, for ever."""
    with Ostinato.open(data) as app, served(app, port=port):
        while not threading.Event().wait(TICK_S):
            with contextlib.suppress(Unavailable):
                app.tick()


def worker(data: Path) -> None:
    """Executions, for ever."""
    with Ostinato.open(data) as app:
        work(app, app.pipelines, threading.Event())


@step(cache=False)
def leave(folder: str, key: str) -> str:
    """A line in a file, so that it is seen how often this ran."""
    with (Path(folder) / key).open("a") as file:
        file.write("ran\n")
    return key


@pipeline
def trace(folder: str, key: str) -> str:
    """One step that leaves a trace."""
    left: str = leave(folder, key)
    return left


# ---- who asks


class Diary:
    """What a client asked (`S`) and what was acknowledged (`A`): a line each, written before anything else happens."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def did(self, key: str, ask: Callable[[], object]) -> None:
        """Ask for what the key says, again and again until there is an answer."""
        os.write(self._file, f"S {key}\n".encode())
        patient(ask)
        os.write(self._file, f"A {key}\n".encode())


def patient(ask: Callable[[], T]) -> T:
    """What `ask` gives, once the server is back."""
    limit = time.monotonic() + PATIENCE_S
    while True:
        try:
            return ask()
        except Unavailable:
            if time.monotonic() > limit:
                raise
            time.sleep(0.05)


def client(name: str, url: str, token: str, folder: Path, stop: Path) -> None:
    """Start runs, log to them, keep files, comment and ask for executions through HTTP, until the file `stop` is there."""
    diary, traces = Diary(folder / f"{name}.diary"), folder / "traces"
    target = f"{__name__}:trace"
    with patient(lambda: connect(url, token, patience_s=0.2)) as app:
        for number in count():
            if stop.exists():
                return
            run = f"{name}-{number}"
            diary.did(f"run {run}", lambda run=run: app.runs.start("load", id=run))  # type: ignore[misc]
            for seq in range(2):
                frame = MetricFrame.of([("loss", seq * POINTS + i, i, float(i)) for i in range(POINTS)])
                diary.did(f"log {run} {seq}", lambda run=run, seq=seq, frame=frame: app.runs.log(run, "c", seq, frame))  # type: ignore[misc]
            diary.did(f"file {run}", lambda run=run: app.runs.put_artifact(run, "a", run.encode() * 100))  # type: ignore[misc]
            diary.did(f"comment {run}", lambda run=run: app.ledger.comment(Ref("run", run), "seen", run))  # type: ignore[misc]
            if number % 4 == 0:
                asked = {"folder": str(traces), "key": run}
                diary.did(f"execution {run}", lambda run=run, asked=asked: app.pipelines.start(target, asked, key=run))  # type: ignore[misc]
            diary.did(f"finish {run}", lambda run=run: app.runs.finish(run))  # type: ignore[misc]


def registrar(name: str, data: Path, folder: Path, seed: str, things: int, rounds: int) -> None:
    """Write and read what is shared: tags of the runs r0, r1 …, and the champion of the model `late`, of three versions."""
    chance = random.Random(f"{seed} {name}")  # noqa: S311 — no secret
    witness, alias = Witness(folder / f"{name}.acts"), "late@champion"
    with Ostinato.open(data) as app:
        for number in range(rounds):
            run, value, version = f"r{chance.randrange(things)}", f"{name}-{number}", chance.randint(1, 3)
            act = chance.randrange(4)
            if act == 0:
                witness.saw(run, "write", value, lambda run=run, value=value: app.runs.tag(run, {"x": value}) and None)  # type: ignore[misc]
            elif act == 1:
                witness.saw(run, "read", None, lambda run=run: app.runs.get(run).tags.get("x"))  # type: ignore[misc]
            elif act == 2:
                witness.saw(alias, "write", version, lambda version=version: app.models.promote(f"late@{version}") and None)  # type: ignore[misc]
            else:
                witness.saw(alias, "read", None, lambda: int(app.models.resolve(alias).version or 0))


def claimer(name: str, data: Path, folder: Path, stop: Path) -> None:
    """Claim executions and fall silent about them, so that their leases run out; some are renewed once, by way of a beat."""
    witness = Witness(folder / f"{name}.acts")
    with Ostinato.open(data) as app:

        def claim() -> list[Any] | None:
            taken = app.pipelines.claim()
            held.extend([] if taken is None else [taken])
            return None if taken is None else [taken.id, taken.fence, taken.attempt]

        def beat(one: Any) -> list[Any]:
            return [one.id, one.fence, app.pipelines.heartbeat(one)]

        held: list[Any] = []
        while not stop.exists():
            if witness.saw("work", "claim", None, claim) is None:
                time.sleep(0.02)
            elif len(held) % 2:
                witness.saw("work", "beat", None, lambda: beat(held[-1]))


def asked(folder: Path) -> tuple[Counter[str], Counter[str]]:
    """What all clients asked for, and what was acknowledged to them."""
    started: Counter[str] = Counter()
    acknowledged: Counter[str] = Counter()
    for diary in sorted(folder.glob("*.diary")):
        for line in diary.read_text().splitlines():
            (started if line[0] == "S" else acknowledged)[line[2:]] += 1
    return started, acknowledged


# ---- what is there


def stored(app: Ostinato) -> Counter[str]:
    """What the store holds, in the words of the diaries, each as often as it is there."""
    found: Counter[str] = Counter()
    after = None
    while True:
        page = app.runs.search("load", limit=1000, after=after)
        for run in page.items:
            found[f"run {run.id}"] += 1
            found[f"finish {run.id}"] += run.ended_at is not None
            steps = Counter(app.runs.curve(run.id, "loss").steps)
            for seq in range(2):
                times = {steps.pop(seq * POINTS + i, 0) for i in range(POINTS)}
                found[f"log {run.id} {seq}"] += times.pop() if len(times) == 1 else -1_000_000  # a torn batch
            found[f"log {run.id} more"] += steps.total()
            for kept in app.runs.artifacts(run.id):
                found[f"file {run.id}"] += app.runs.artifact(run.id, kept.path) == run.id.encode() * 100
        if (after := page.next) is None:
            break
    for event in all_events(app, "run.commented"):
        found[f"comment {event.subject.name}"] += 1
    for execution in all_executions(app):
        found[f"execution {execution.parameters['key']}"] += 1
    return +found


def all_events(app: Ostinato, verb: str) -> list[Any]:
    """All events with a verb."""
    found, after = [], None
    while True:
        page = app.ledger.events(verb=verb, limit=1000, after=after)
        found += page.items
        if (after := page.next) is None:
            return found


def all_executions(app: Ostinato) -> list[Any]:
    """All executions, of whatever state."""
    found, after = [], None
    while True:
        page = app.pipelines.search(limit=1000, after=after)
        found += page.items
        if (after := page.next) is None:
            return found
