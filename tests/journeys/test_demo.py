"""The main job: the replay of real flights, whole, and again under fire."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.replays import PATIENCE_S, said, start

from ostinato.serving.plane.log import read

pytest.importorskip("sklearn", reason="the demo needs the extra demo")
pytestmark = [pytest.mark.journey, pytest.mark.timeout(1200)]

VICTIMS = ["driver", "server", "worker", "plane"]
ONCE = (
    "dataset.delivered", "dataset.quarantined", "evaluation.recorded", "model.registered", "model.approved", "model.promoted",
    "endpoint.deployed", "rollout.started", "rollout.promoted", "rollout.rolled_back", "monitor.measured", "monitor.reacted",
    "execution.requested", "execution.finished",
)  # fmt: skip


def test_r82_the_loop_turns(undisturbed: tuple[Path, dict[str, Any]]) -> None:
    """Drift and loss of performance are found, a challenger is retrained, gated, approved, sent out and promoted."""
    months = undisturbed[1]["months"]
    assert [m["rows"] for m in months] == [27004, 24951, 28834, 28330, 28796]
    assert all(m["failures"] == 0 for m in months)
    assert all(m["requests"] > 400 for m in months[3:])
    assert all(0.6 < m["auc_loop"] < 0.9 and 0.6 < m["auc_static"] < 0.9 for m in months[3:])
    assert months[3]["drift"] > 0
    assert months[4]["production_version"] >= months[3]["production_version"]


def test_r04_a_corrupted_delivery_is_quarantined(undisturbed: tuple[Path, dict[str, Any]]) -> None:
    _, summary = undisturbed
    assert [m["quarantined"] > 0 for m in summary["months"]] == [False, True, False, False, False]


def test_r67_the_bad_release_is_rolled_back_by_itself(undisturbed: tuple[Path, dict[str, Any]]) -> None:
    _, summary = undisturbed
    rollback = summary["rollback"]
    assert rollback["state"] == "rolled_back"
    assert rollback["errors_candidate"] == 0
    assert rollback["pairs"] > 0


def test_r54_what_was_in_production_and_who_approved_it(undisturbed: tuple[Path, dict[str, Any]]) -> None:
    data, summary = undisturbed
    assert summary["ledger_verified"] is True
    answer = summary["production_at"]
    assert answer["versions"]
    assert answer["versions"][0]["approved_by"]
    verify = [sys.executable, "-m", "ostinato.cli.main", "ledger", "verify", "--data", str(data)]
    assert subprocess.run(verify, capture_output=True, timeout=120).returncode == 0


def test_r48_one_prediction_leads_back_to_the_source_files(undisturbed: tuple[Path, dict[str, Any]]) -> None:
    _, summary = undisturbed
    lineage = summary["lineage"]
    assert any(node.startswith("source:flights-2013-01") for node in lineage["nodes"])
    assert lineage["path"][-1].startswith("source:")


@pytest.mark.slow(8)
def test_r14_killed_anywhere_the_loop_goes_on(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """kill -9 of the driver, the server, a worker and the endpoint, at random moments: the same story, nothing twice, nothing lost.

    The undisturbed replay, which it is held against, goes on in another test process meanwhile.
    """
    chance = random.Random(os.environ.get("OSTINATO_TEST_SEED", "20131105"))
    data, summary = tmp_path / "store", tmp_path / "summary.json"
    process, killed = start(data, summary), list[str]()
    waiting = [*chance.sample(VICTIMS, len(VICTIMS)), *chance.choices(VICTIMS, k=2)]
    deadline = time.monotonic() + PATIENCE_S
    next_kill = time.monotonic() + chance.uniform(4, 10)
    while time.monotonic() < deadline:
        status = process.poll()
        if status == 0:
            break
        if status is not None:
            process = start(data, summary)
        if time.monotonic() > next_kill and waiting:
            victim = waiting.pop(0)
            (killed if shoot(victim, process, data) else waiting).append(victim)  # whoever is not there has its turn later
            next_kill = time.monotonic() + chance.uniform(3, 10)
        time.sleep(0.2)
    assert process.poll() == 0, f"killed {killed}: {said(data)}"
    assert set(killed) == set(VICTIMS), killed
    story, expected = request.getfixturevalue("undisturbed")
    told = json.loads(summary.read_text())
    for month, same in zip(told["months"], expected["months"], strict=True):
        for key in ("rows", "quarantined", "requests", "failures", "auc_static"):
            assert month[key] == same[key], f"{month['month']} {key} after killing {killed}"
        if same["auc_loop"] is not None:
            assert month["auc_loop"] == pytest.approx(same["auc_loop"], abs=0.02)
    assert told["ledger_verified"] is True
    assert told["rollback"]["state"] == "rolled_back"
    assert done(data) == done(story), f"after killing {killed}"
    answered = answers(data)
    assert len(set(answered)) == len(answered), "a request was answered twice"
    assert set(answered) == set(answers(story)), "another set of requests was answered"
    assert left_behind(data) == []


def done(data: Path) -> dict[str, int]:
    """How often each act was done of which a second time, or none, would be another story."""
    with contextlib.closing(sqlite3.connect(data / "ostinato.db")) as rows:
        counts = dict(rows.execute("SELECT verb, count(*) FROM ledger_event GROUP BY verb").fetchall())
    return {verb: counts.get(verb, 0) for verb in ONCE}


def answers(data: Path) -> list[str]:
    """The ids of all answered requests, one by one or in batch, as they stand in the log."""
    log = read(data / "endpoints" / "default" / "late" / "log", ("kind", "status", "request_id")).to_pylist()
    return [row["request_id"] for row in log if (row["kind"], row["status"]) == ("answer", "answered")]


def left_behind(data: Path) -> list[str]:
    """Processes of the replay that live on when it is over."""
    limit = time.monotonic() + 10
    while True:
        living = [" ".join(p.info["cmdline"] or ()) for p in psutil.process_iter(["cmdline"])]
        found = [line for line in living if str(data) in line]
        if not found or time.monotonic() > limit:
            return found
        time.sleep(0.2)


def shoot(victim: str, process: subprocess.Popen[bytes], data: Path) -> bool:
    """Kill one of the processes of the replay with -9; False if it is not there at the moment."""
    if victim == "driver":
        process.kill()
        process.wait()
        return True
    try:
        if victim == "plane":
            pid = json.loads((data / "endpoints" / "default" / "late" / "state.json").read_text())["pid"]
        else:
            pid = json.loads((data / "server.json").read_text())["pid"]
        found = psutil.Process(pid)
        if victim == "worker":
            found = next(child for child in found.children() if "worker" in child.cmdline())
        elif str(data) not in " ".join(found.cmdline()):  # that one is gone, and its number came again
            return False
        os.kill(found.pid, signal.SIGKILL)
    except (OSError, KeyError, ValueError, StopIteration, psutil.Error):
        return False
    return True
