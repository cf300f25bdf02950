"""Several processes seal one ledger, and some of them are killed: one head per size, each continuing the one before."""

from __future__ import annotations

import itertools
import random
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from ostinato.kernel.clock import SystemClock
from ostinato.kernel.errors import Corrupt
from ostinato.kernel.ref import Ref
from ostinato.ledger import sealer
from ostinato.ledger.sealer import Sealer
from ostinato.ledger.service import Ledger
from ostinato.ledger.types import Head
from ostinato.ledger.witness import check_consistency
from ostinato.storage.rows.rows import Tx

if TYPE_CHECKING:
    from tests.ledger.conftest import Store

_SEALER = """
import sys
from pathlib import Path
from ostinato.kernel.caller import Caller, set_process_caller
from ostinato.kernel.clock import SystemClock
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.testing.rows import opened
key, place, name, rounds = sys.argv[1:]
ledger = Ledger(rows=(rows := opened(place)), clock=SystemClock(), key_path=Path(key))
set_process_caller(Caller(actor="service:sealer"))
print("ready", flush=True)
for number in range(int(rounds)):
    rows.write(lambda tx: ledger.append(tx, "run.started", Ref("run", f"{name}.{number}")))
    head = ledger.seal()
    print(head.size if head else 0, flush=True)
rows.close()
"""


def _sealing(store: Store, name: str, rounds: int, code: str = _SEALER) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, str(store.path / "ledger-key"), store.place, name, str(rounds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _all_consistent(store: Store) -> list[Head]:
    heads, key = store.ledger.heads(), store.ledger.key()
    for older, newer in itertools.pairwise(heads):
        check_consistency(store.ledger.consistency(older.size, newer.size), older.note, newer.note, key)
    found = store.ledger.verify()
    assert found.ok, found.problems
    return heads


def test_processes_that_seal_at_once_make_one_row_of_heads(store: Store) -> None:
    processes = [_sealing(store, f"p{n}", 40) for n in range(2)]
    for process in processes:
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        assert len(out.splitlines()) == 41
    heads = _all_consistent(store)
    assert [head.size for head in heads] == sorted({head.size for head in heads})
    assert heads[-1].size == 80


def test_threads_that_seal_at_once_keep_one_head_each_size(store: Store) -> None:
    others = [Ledger(rows=store.rows, clock=SystemClock(), key_path=store.path / "ledger-key") for _ in range(4)]
    for number in range(20):
        store.act("run.started", f"run:r{number}")
        with ThreadPoolExecutor(4) as pool:
            made = list(pool.map(lambda ledger: ledger.seal(), others))
        assert sum(head is not None for head in made) == 1
    assert len(_all_consistent(store)) == 20


def test_a_head_that_was_overtaken_is_not_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the hashing and the write another process seals more: its head stays, and its tiles are not cut back."""
    store.act("run.started", "run:r0")
    grow, other = Sealer._grow, Ledger(rows=store.rows, clock=SystemClock(), key_path=store.path / "ledger-key")

    def slowly(self: Sealer, tx: Tx, end: int) -> object:
        growth = grow(self, tx, end)
        monkeypatch.setattr(Sealer, "_grow", grow)
        store.act("run.started", "run:r1")
        assert other.seal() is not None
        return growth

    monkeypatch.setattr(Sealer, "_grow", slowly)
    assert store.ledger.seal() is None
    assert [head.size for head in _all_consistent(store)] == [2]


@pytest.mark.parametrize("seed", range(2))
def test_killed_sealers_leave_a_ledger_that_goes_on(store: Store, seed: int) -> None:
    rng, promised = random.Random(seed), 0
    for turn in range(3):
        with _sealing(store, f"k{turn}", 10_000) as process:
            assert process.stdout is not None
            told = [process.stdout.readline() for _ in range(rng.randint(1, 30))]
            process.kill()
            told += process.stdout.read().split("\n")[:-1]
        promised = max([promised, *(int(line) for line in told if line.strip() != "ready")])
    before = _all_consistent(store)
    assert before[-1].size >= promised, "a head that was told is durable"
    head = store.ledger.seal()
    assert _all_consistent(store)[: len(before)] == before
    assert head is None or head.size == store.ledger.verify().events


def test_killed_between_append_and_seal_nothing_is_lost(store: Store) -> None:
    """The process dies with the tree grown and the head not written; the next one seals the same events."""
    for number in range(5):
        store.act("run.started", f"run:r{number}")
    store.ledger.seal()
    code = _SEALER.replace(
        "head = ledger.seal()",
        "ledger._sealer._store_head = lambda *_: __import__('os').kill(__import__('os').getpid(), 9)\n    ledger.seal()",
    )
    with _sealing(store, "dying", 1, code) as dying:
        dying.communicate()
    assert dying.returncode == -signal.SIGKILL
    assert store.ledger.events(newest_first=True, limit=1).items[0].subject == Ref("run", "dying.0")
    head = store.ledger.seal()
    assert head is not None
    assert head.size == 6
    _all_consistent(store)


def test_a_long_backlog_is_sealed_in_pieces(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealer, "_AT_ONCE", 300)
    store.rows.write(lambda tx: [store.ledger.append(tx, "run.started", Ref("run", f"r{n}")) for n in range(1000)])
    head = store.ledger.seal()
    assert head is not None
    assert [h.size for h in _all_consistent(store)] == [300, 600, 900, 1000]
    assert head.size == 1000


def test_sealing_ends_although_events_keep_coming(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    keep, made = Sealer._store_head, []

    def busily(self: Sealer, growth: object, tx: Tx) -> Head | None:
        made.append(growth)
        store.ledger.append(tx, "run.started", Ref("run", f"more{len(made)}"))
        return keep(self, growth, tx)  # type: ignore[arg-type]

    monkeypatch.setattr(Sealer, "_store_head", busily)
    store.act("run.started", "run:r0")
    head = store.ledger.seal()
    assert head is not None
    assert (head.size, len(made)) == (1, 1)


def test_a_ledger_cut_behind_its_head_is_not_sealed(store: Store) -> None:
    for number in range(5):
        store.act("run.started", f"run:r{number}")
    store.ledger.seal()
    store.edit("DELETE FROM ledger_event WHERE seq >= 3", "DELETE FROM ledger_ref WHERE place >= 3 * 1048576")
    with pytest.raises(Corrupt, match="counts 5 events, 3 are left"):
        store.ledger.seal()
    store.rows.write(lambda tx: [store.ledger.append(tx, "run.started", Ref("run", f"new{n}")) for n in range(9)])
    store.ledger.seal()
    assert not store.ledger.verify().ok, "what took the place of the cut tail is not what was sealed"
