"""Series against a dictionary: any order of batches, repeats, compactions and restarts; and kill -9 while batches and compactions run."""

from __future__ import annotations

import math
import random
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import text

from ostinato.kernel.errors import Conflict
from ostinato.storage.rows.postgres import Postgres
from ostinato.storage.rows.rows import Rows, metadata
from ostinato.storage.rows.sqlite import Sqlite
from ostinato.storage.series import latest
from ostinato.storage.series import series as module
from ostinato.storage.series.points import Axis, Points
from ostinato.storage.series.series import Series
from ostinato.testing.outlines import check
from ostinato.testing.postgres import PostgresServer

INT64 = st.integers(-(2**63), 2**63 - 1)
STEPS = st.one_of(st.integers(-3, 12), INT64)
VALUES = st.one_of(st.floats(width=64), st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -0.0, 5e-324]))
POINT = st.tuples(st.sampled_from("abc"), STEPS, INT64, VALUES)
BATCH = st.lists(POINT, max_size=12)
Batch = list[tuple[str, int, int, float]]
RUNS = st.sampled_from(["r", "s"])


def points(batch: Batch) -> Points:
    keys = sorted({key for key, *_ in batch})
    return Points(
        keys=keys,
        key=np.array([keys.index(key) for key, *_ in batch], np.uint32),
        step=np.array([step for _, step, *_ in batch], np.int64),
        at=np.array([at for *_, at, _ in batch], np.int64),
        value=np.array([value for *_, value in batch], np.float64),
    )


class SeriesMachine(RuleBasedStateMachine):
    """Chunks of 8 points and two open ones at most, so that all ways of merging are taken."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.before = module._CHUNK, module._OPEN_MAX, module._TAIL_MAX, module._UNSETTLED_MAX
        module._CHUNK, module._OPEN_MAX, module._TAIL_MAX, module._UNSETTLED_MAX = 8, 2, 4, 3
        self.model: dict[str, Batch] = defaultdict(list)
        self.sent: dict[tuple[str, str], list[Batch]] = defaultdict(list)
        self.open()

    def open(self) -> None:
        self.rows: Rows = Sqlite(Path(self.folder.name) / "rows.db")
        self.rows.create(metadata)
        self.series = Series(self.rows)

    @rule(run=RUNS, client=st.sampled_from(["c", "d"]), batch=BATCH)
    def append(self, run: str, client: str, batch: Batch) -> None:
        sent = self.sent[run, client]
        self.series.append("p", run, client, len(sent), points(batch), lambda tx: None)
        sent.append(batch)
        self.model[run] += batch

    @rule(run=RUNS, client=st.sampled_from(["c", "d"]), back=st.integers(0, 5))
    def repeat(self, run: str, client: str, back: int) -> None:
        sent = self.sent[run, client]
        if back < len(sent):
            seq = len(sent) - 1 - back
            self.series.append("p", run, client, seq, points(sent[seq]), lambda tx: None)

    @rule(run=RUNS, client=st.sampled_from(["c", "d"]), batch=BATCH)
    def leave_a_gap(self, run: str, client: str, batch: Batch) -> None:
        with pytest.raises(Conflict):
            self.series.append("p", run, client, len(self.sent[run, client]) + 1, points(batch), lambda tx: None)

    @rule(run=RUNS)
    def compact(self, run: str) -> None:
        self.series.compact("p", run)

    @rule(run=st.none() | RUNS)
    def settle(self, run: str | None) -> None:
        """What the rows say, after which others order, is what `latest` says."""
        self.series.settle("p", run)
        for name in self.model if run is None else [run]:
            kept = self.rows.read(lambda tx, name=name: latest.kept(tx, {"project": "p", "run": name}))
            assert str(kept) == str(self.series.latest("p", name))

    @rule(
        run=RUNS, key=st.sampled_from("abc"), x=st.sampled_from(["step", "time"]), points=st.integers(2, 20), ends=st.tuples(STEPS, STEPS)
    )
    def draw(self, run: str, key: str, x: Axis, points: int, ends: tuple[int, int]) -> None:
        low, high = sorted(ends)
        drawn = [(step if x == "step" else at, value) for k, step, at, value in self.model[run] if k == key]
        check(self.series.outline("p", run, key, x, low, high, points), drawn, low, high, points)

    @rule()
    def restart(self) -> None:
        self.rows.close()
        self.open()

    @rule(run=RUNS, key=st.sampled_from("abc"), after=STEPS)
    def page(self, run: str, key: str, after: int) -> None:
        found = self.series.read("p", run, key, after_step=after)
        assert found.step.tolist() == sorted(step for k, step, *_ in self.model[run] if k == key and step > after)

    @invariant()
    def all_is_there(self) -> None:
        for run, batch in self.model.items():
            said_of = self.series.latest("p", run)
            assert set(said_of) == {key for key, *_ in batch}
            for key in said_of:
                expected = sorted((p for p in batch if p[0] == key), key=lambda p: p[1])
                found = self.series.read("p", run, key)
                assert found.step.tolist() == [p[1] for p in expected]
                assert found.at.tolist() == [p[2] for p in expected]
                assert found.value.view(np.uint64).tolist() == np.array([p[3] for p in expected]).view(np.uint64).tolist()
                real = [p[3] for p in expected if not math.isnan(p[3])]
                said = said_of[key]
                top = max(expected, key=lambda p: (p[1], p[2], -math.inf if math.isnan(p[3]) else p[3]))
                assert (said.step, said.at, said.n) == (top[1], top[2], len(expected))
                assert said.last == top[3] or (math.isnan(said.last) and math.isnan(top[3]))
                assert (said.min, said.max) == (min(real, default=None), max(real, default=None))

    def teardown(self) -> None:
        if hasattr(self, "rows"):
            self.rows.close()
            module._CHUNK, module._OPEN_MAX, module._TAIL_MAX, module._UNSETTLED_MAX = self.before
            self.folder.cleanup()


SeriesMachine.TestCase.settings = settings(max_examples=8, stateful_step_count=25, deadline=None)
TestSeriesMachine = SeriesMachine.TestCase


def test_the_same_on_postgresql(postgres_server: PostgresServer) -> None:
    class OnPostgres(SeriesMachine):
        def open(self) -> None:
            self.url = getattr(self, "url", None) or postgres_server.database()
            self.rows = Postgres(self.url)
            self.rows.create(metadata)
            self.series = Series(self.rows)

        def teardown(self) -> None:
            super().teardown()
            if hasattr(self, "url"):
                postgres_server.drop(self.url)

    run_state_machine_as_test(OnPostgres, settings=settings(max_examples=3, stateful_step_count=20, deadline=None))


_KILLED = """
import sys, threading
import numpy as np
from ostinato.storage.series.points import Points
from ostinato.storage.series.series import Series
from ostinato.testing.rows import opened
series = Series(opened(sys.argv[1]))
lock = threading.Lock()
def feed(client, start):
    for seq in range(start, 10**6):
        column = np.arange(seq * 10, seq * 10 + 10, dtype=np.int64)
        frame = Points(keys=["loss"], key=np.zeros(10, np.uint32), step=column, at=column, value=column.astype(float))
        series.append("p", "r", client, seq, frame, lambda tx: None)
        with lock:
            print(client, seq, flush=True)
for client, start in zip("abcd", sys.argv[2:]):
    threading.Thread(target=feed, args=(client, int(start))).start()
"""


def test_kill_9_between_batches_and_compactions_loses_and_doubles_nothing(place: str, rows: Rows) -> None:
    chance, series = random.Random(5), Series(rows)
    acknowledged, kept = dict.fromkeys("abcd", 0), dict.fromkeys("abcd", 0)
    for _ in range(4):
        command = [sys.executable, "-c", _KILLED, place, *(str(kept[c]) for c in "abcd")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            said = [process.stdout.readline() for _ in range(chance.randrange(50, 400))]
            process.kill()
            said += process.stdout.readlines()
        for line in said:
            if line.endswith("\n"):
                client, seq = line.split()
                acknowledged[client] = max(acknowledged[client], int(seq) + 1)
        known = rows.read(lambda tx: tx.all(text("SELECT client, seq FROM series_client")))
        kept |= {row.client: row.seq + 1 for row in known}
        assert all(kept[c] >= acknowledged[c] for c in "abcd")
        expected = sorted(step for c in "abcd" for step in range(kept[c] * 10))
        curve = series.read("p", "r", "loss", limit=10**7)
        assert curve.step.tolist() == expected
        assert series.latest("p", "r")["loss"].n == len(expected)
