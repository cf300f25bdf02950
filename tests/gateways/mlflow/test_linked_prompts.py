"""Prompts that two processes link to one trace at the same time, and an evaluation set that not everybody deletes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import httpx
import pytest

from ostinato.app import Ostinato
from ostinato.kernel.clock import ReplayClock
from ostinato.traces.types import Span

A3 = "/api/3.0/mlflow"
LINKS = 25
PROGRAM = """
import sys
from ostinato.app import Ostinato
from ostinato.gateways.mlflow.traces import LinkPrompts, PromptVersion, Traces

with Ostinato.open(sys.argv[1]) as app:
    traces = Traces(app)
    print("ready", flush=True)
    sys.stdin.readline()
    for n in range(int(sys.argv[3])):
        traces.link_prompts(LinkPrompts(trace_id="tr-a", prompt_versions=(PromptVersion(name=sys.argv[2], version=str(n)),)))
"""


def test_none_of_the_prompts_that_two_processes_link_is_lost(app: Ostinato, clock: ReplayClock) -> None:
    app.traces.put([Span(trace="tr-a", id=f"{1:016x}", name="x", start_ns=1, end_ns=2)])
    app.traces.tag("tr-a", {"mlflow.linkedPrompts": "what a client has set by itself"})
    lines = [[sys.executable, "-c", PROGRAM, str(app.settings.data), name, str(LINKS)] for name in ("ask", "answer")]
    both = [subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for line in lines]
    try:
        for process in both:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in both:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        assert [process.wait(120) for process in both] == [0, 0]
    finally:
        for process in both:
            process.kill()
            process.communicate()
    kept = json.loads(app.traces.get("tr-a").tags["mlflow.linkedPrompts"])
    assert {(one["name"], one["version"]) for one in kept} == {(name, str(n)) for name in ("ask", "answer") for n in range(LINKS)}


@pytest.fixture
def bearer(store: Ostinato) -> Callable[..., dict[str, str]]:
    """The head of a request by somebody who may do so much."""

    def of(*permissions: str) -> dict[str, str]:
        return {"authorization": f"Bearer {store.access.issue_token('person:admin', permissions=list(permissions)).secret}"}

    return of


def test_who_deletes_an_evaluation_set_may_purge(http: httpx.Client, store: Ostinato, bearer: Callable[..., dict[str, str]]) -> None:
    made = store.traces.create_evalset("questions")
    store.traces.merge_records(made.id, [{"inputs": {"q": 1}}])
    assert http.delete(f"{A3}/datasets/{made.id}", headers=bearer("trace:write", "trace:read")).status_code == 403
    assert store.traces.evalset(made.id).records == 1
    assert http.delete(f"{A3}/datasets/{made.id}", headers=bearer("trace:purge")).status_code == 200
    assert store.traces.evalsets() == []
