"""The verbs that write, on a disk that fails: started by `test_disk.py` in a process whose calls can be made to.

Every attempt is a child of its own: it opens a copy of the prepared store, acts while the disk fails, and ends without closing. Then
another opens the store again: it must be as before the act or as after it; what was reported as done must be there; and the act, done
again, must leave what it leaves on a sound disk.
"""

from __future__ import annotations

import gc
import os
import pickle
import random
import shutil
import sqlite3
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import closing, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.dataset
import pyarrow.pandas_compat  # noqa: F401 — these, and pandas where it is installed, are imported here rather than in each of the children

from ostinato.app import Ostinato
from ostinato.kernel.errors import NotFound, OstinatoError, Unavailable
from ostinato.maintenance.backup import backup
from ostinato.maintenance.restore import restore
from ostinato.server.health import Health
from ostinato.serving.plane.log import Log, read
from ostinato.storage.blobs.blobs import blob_of
from ostinato.testing.faults import Call, Fault, Manner, arm, heal, mark, record
from ostinato.testing.processes import forked
from ostinato.traces.types import Span
from ostinato.tracking.types import MetricFrame

FAULTS: list[tuple[Call, Manner]] = [("write", "EIO"), ("write", "ENOSPC"), ("write", "short"), ("sync", "EIO"), ("rename", "EIO")]
MOST = 400
RUN = "01JH0000000000000000000000"
CONTENT = bytes(range(256)) * 1000
MADE_S = 25.0


@dataclass(frozen=True)
class Verb:
    """`open` what it acts on in a folder; `act`; `look` at all that it changes."""

    open: Callable[[Path], Any]
    act: Callable[[Any], object]
    look: Callable[[Any], Any]


def store(folder: Path) -> Ostinato:
    return Ostinato.open(folder / "store")


def put(app: Ostinato) -> None:
    app.blobs.put([CONTENT, CONTENT])


def blob(app: Ostinato) -> bool:
    digest = blob_of(CONTENT * 2).digest
    try:
        return app.blobs.open(digest) == CONTENT * 2
    except NotFound:
        return False


def start(app: Ostinato) -> None:
    app.runs.start("flights", params={"rate": 0.1}, id="01JH0000000000000000000001")


def started(app: Ostinato) -> Any:
    runs = app.runs.search().items
    events = app.ledger.events(verb="run.started").items
    assert app.ledger.verify().ok
    assert Counter(run.ref for run in runs) == Counter(event.subject for event in events)
    return [(run.id, run.params) for run in runs]


def measure(app: Ostinato) -> None:
    app.runs.log(RUN, "client", 0, MetricFrame.of([("loss", step, step, 1.0 / (1 + step)) for step in range(300)]))


def measured(app: Ostinato) -> Any:
    curve, latest = app.runs.curve(RUN, "loss"), app.runs.metrics(RUN)
    assert len(curve.steps) == (latest["loss"].n if latest else 0)
    return curve.steps, curve.values


def tell(app: Ostinato) -> None:
    question = "why is it late? " * 5_000
    spans = [
        Span(trace="tr-1", id=f"{n:016x}", name="ask", start_ns=n, end_ns=n + 9, attributes={"question": question, "n": n}) for n in (1, 2)
    ]
    app.traces.put(spans)


def told(app: Ostinato) -> Any:
    traces = app.traces.search().items
    assert app.ledger.verify().ok
    return [(span.id, span.attributes) for trace in traces for span in app.traces.spans(trace.id)]


def attach(app: Ostinato) -> None:
    app.runs.put_artifact(RUN, "model.bin", CONTENT)


def attached(app: Ostinato) -> Any:
    return [(found.path, app.runs.artifact(RUN, found.path) == CONTENT) for found in app.runs.artifacts(RUN)]


def comment(app: Ostinato) -> None:
    app.ledger.comment(app.runs.get(RUN).ref, "well done")


def comments(app: Ostinato) -> Any:
    checked = app.ledger.verify()
    assert checked.ok, checked.problems
    return [event.data for event in app.ledger.events(verb="run.commented").items]


def seal(app: Ostinato) -> None:
    app.ledger.seal()


def sealed(app: Ostinato) -> Any:
    checked = app.ledger.verify()
    assert checked.ok, checked.problems
    assert checked.sealed == (app.ledger.heads() or [None])[-1].size
    return checked.sealed == checked.events


def copies(folder: Path) -> Any:
    return folder


def copy(folder: Path) -> None:
    backup(folder / "store", folder / "copies")


def copied(folder: Path) -> Any:
    """Whether there is a backup; if there is one, it can be restored."""
    if not sorted((folder / "copies").glob("backup-*.json")):
        return False
    shutil.rmtree(folder / "again", ignore_errors=True)
    return restore(folder / "copies", folder / "again").problems == []


def log(folder: Path) -> Log:
    return Log(folder / "log")


def full_log(folder: Path) -> Log:
    return Log(folder / "full")


def predict(log: Log, request: str = "last") -> None:
    line = {"kind": "answer", "id": request, "at": 1_356_998_400_000_000, "version": 1, "role": "stable", "status": "answered"}
    if log.answer(request) is None:
        log.append(line | {"ms": 0.5, "scores": [0.25], "features": {"distance": [3.0]}, "note": "x" * 50})


def roll(log: Log) -> None:
    """The thousandth line: the file of lines becomes a segment, in the background."""
    predict(log)
    log.close()


def predicted(log: Log) -> Any:
    rows = Counter(read(log._folder)["request_id"].to_pylist())
    assert set(rows.values()) <= {1}
    assert ("last" in rows) == (log.answer("last") is not None)
    return len(rows)


VERBS = {
    "rows.write": Verb(store, start, started),
    "blobs.put": Verb(store, put, blob),
    "series.append": Verb(store, measure, measured),
    "spans.put": Verb(store, tell, told),
    "artifact.put": Verb(store, attach, attached),
    "ledger.append": Verb(store, comment, comments),
    "ledger.seal": Verb(store, seal, sealed),
    "backup": Verb(copies, copy, copied),
    "predictions.append": Verb(log, predict, predicted),
    "predictions.roll": Verb(full_log, roll, predicted),
}


def child(call: Callable[[], Any]) -> Any:
    """The result of a call, made in a child of this process, which then ends as if it was killed."""
    from_child, to_parent = os.pipe()

    def report() -> None:
        try:
            outcome = (True, call())
        except BaseException as error:
            outcome = (False, f"{error!r}\n{traceback.format_exc()}")
        with os.fdopen(to_parent, "wb") as answer:
            pickle.dump(outcome, answer)

    pid = forked(report)
    os.close(to_parent)
    with os.fdopen(from_child, "rb") as answer:
        content = answer.read()
    os.waitpid(pid, 0)
    well, result = pickle.loads(content) if content else (False, "the child died")
    if not well:
        raise AssertionError(result)
    return result


def attempt(verb: Verb, folder: Path, fault: Fault) -> tuple[str, bool]:
    """Act once; what became of it, and whether the fault happened."""
    opened = verb.open(folder)
    arm(folder, fault)
    try:
        verb.act(opened)
        fate = "done"
    except (OstinatoError, OSError) as error:
        fate = f"{type(error).__name__}: {error}"
    return fate, heal(folder) >= fault.nth


def looked(verb: Verb, folder: Path, *, act: bool = False) -> Any:
    """What is there now and, where the act is done again, what is there then."""
    opened = verb.open(folder)
    with opened if isinstance(opened, Ostinato) else nullcontext():
        now = verb.look(opened)
        if not act:
            return now
        verb.act(opened)
        return now, verb.look(opened)


def prepare(folder: Path) -> None:
    with closing(full_log(folder)) as lines:
        for number in range(999):
            predict(lines, f"r{number}")
    with store(folder) as app:
        app.ledger.seal()
        app.runs.start("others", id=RUN)


class Trial:
    """A verb, tried again and again on copies of one prepared store."""

    def __init__(self, name: str, place: Path) -> None:
        self.verb, self.base, self.folder = VERBS[name], place / "base", place / "now"
        child(lambda: prepare(self.base))
        self.renew()
        look = partial(looked, self.verb, self.folder, act=True)
        self.before, self.after = look() if self.verb.open is store else child(look)  # what is compiled here, each child has
        gc.freeze()
        assert self.before != self.after, "the verb changes nothing that is looked at"

    def renew(self) -> None:
        """A fresh copy of the prepared store."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.base, self.folder)

    def against(self, fault: Fault) -> tuple[str, bool]:
        """Act on a disk with the fault; what became of it, once nothing is half, and whether the fault happened."""
        self.renew()
        began = time.monotonic()
        fate, struck = child(lambda: attempt(self.verb, self.folder, fault))
        assert time.monotonic() - began < MADE_S, f"it took too long: {fate}"
        now, again = child(lambda: looked(self.verb, self.folder, act=True))
        assert now in (self.before, self.after), f"half: {fate}: {now}"
        assert fate != "done" or now == self.after, f"it was said to be done, and is not: {now}"
        assert again == self.after, f"after another try: {again}"
        return fate, struck


def main(name: str, place: Path, scale: float, seed: str) -> None:
    """Let each kind of call fail, the first, the second, and so on until the verb needs no more of them.

    Of those after the third only some are taken, more at a larger scale."""
    trial, wrong, chance = Trial(name, place), list[str](), random.Random(seed)
    for call, manner in FAULTS:
        fates: Counter[str] = Counter()
        nth, struck = 0, True
        while struck and nth < MOST:
            nth += 1 if nth < 3 else chance.randint(1, 1 + round(2 * nth / scale))
            fault = Fault(call=call, nth=nth, manner=manner)
            try:
                fate, struck = trial.against(fault)
                fates[fate.partition(":")[0]] += 1
            except AssertionError as error:
                wrong.append(f"{fault}: {error}")
                struck = nth < 50
        print(name, call, manner, dict(fates))
    if wrong:
        sys.exit("\n".join(wrong[:5]) + f"\n{len(wrong)} faults were not survived")


def unknown(place: Path) -> None:
    """A commit that cannot be flushed: said to be unknown, and not doubled by the repeat, whichever it turns out to be."""
    trial = Trial("rows.write", place)

    def refused(nth: int) -> tuple[str, str, Any] | None:
        app = store(trial.folder)
        arm(trial.folder, Fault(call="sync", nth=nth, manner="EIO"))
        try:
            start(app)
        except Unavailable as error:
            heal(trial.folder)
            shutil.copytree(trial.folder, place / f"image-{nth}")  # while the process lives: database and log as they are
            return error.message, error.hint, started(app)
        return None  # a folder was to be flushed: that it was not, SQLite does not tell

    for nth in range(1, 5):
        trial.renew()
        if (told := child(lambda nth=nth: refused(nth))) is None:
            continue
        message, hint, seen = told
        assert hint, message
        assert seen == trial.before, "a reader saw what was not acknowledged"
        for folder in (trial.folder, place / f"image-{nth}"):
            found = child(lambda folder=folder: looked(trial.verb, folder))
            assert found in (trial.before, trial.after)
            assert child(lambda folder=folder: looked(trial.verb, folder, act=True))[1] == trial.after
            print(f"{message} | {'stored' if found == trial.after else 'not stored'}")


def history(place: Path) -> None:
    """A recorded hour in the life of blobs and of the rows that name them, for crashes to be played on."""
    root = place / "store"
    app = Ostinato.open(root)
    app.runs.start("flights", id=RUN)
    app.close()
    shutil.copytree(root, place / "start")
    record(root, place / "record")
    app = Ostinato.open(root)
    chance = random.Random(0)
    for number in range(12):
        content = chance.randbytes(chance.choice((40, 5_000, 70_000, 1_500_000)))
        app.runs.put_artifact(RUN, f"{number}", content)
        mark(f"artifact {number} {blob_of(content).digest}")
        if number % 3 == 0:
            kept = app.blobs.put([content[:999], b"!"])
            mark(f"blob {kept.digest} {kept.digest}")
        if number % 5 == 4:
            app.ledger.seal()
    app.close()


def doubtful(place: Path, who: str) -> None:
    """A commit that cannot be flushed, and what is acknowledged after it: by the `same` process, or by the `next` on the same cache."""
    root = place / "store"
    with Ostinato.open(root) as app:
        app.runs.start("flights", id=RUN)
    shutil.copytree(root, place / "start")
    record(root, place / "record")

    def refused() -> Ostinato:
        app = Ostinato.open(root)
        acknowledge(app, 1)
        others.append(sqlite3.connect(root / "ostinato.db"))  # else the last to close it would empty the log
        others[0].execute("SELECT count(*) FROM tracking_run").fetchone()
        arm(root, Fault(call="sync", nth=1, manner="EIO"))
        try:
            app.runs.start("flights", id=f"{RUN[:-2]}XX")
        except Unavailable as error:
            heal(root)
            print(f"{error.message} | then the rows are {Health(app).check().checks['rows']}")
        return app

    def acknowledge(app: Ostinato, *numbers: int) -> None:
        for number in numbers:
            app.runs.start("flights", id=f"{RUN[:-2]}{number:02}")
            mark(f"{RUN[:-2]}{number:02}")

    others: list[sqlite3.Connection] = []
    later = range(2, 10)
    if who == "same":
        child(lambda: acknowledge(refused(), *later))
    else:
        child(lambda: refused() and None)
        child(lambda: acknowledge(Ostinato.open(root), *later))


if __name__ == "__main__" and sys.argv[1] in ("unknown", "history"):
    {"unknown": unknown, "history": history}[sys.argv[1]](Path(sys.argv[2]))
elif __name__ == "__main__" and sys.argv[1] == "doubtful":
    doubtful(Path(sys.argv[2]), sys.argv[3])
elif __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]), sys.argv[4])
