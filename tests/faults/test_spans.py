"""kill -9 of the server and of those who tell, under the load of four: no acknowledged span is lost, and none comes twice."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from ostinato.app import Ostinato
from ostinato.testing.processes import free_port, until
from ostinato.testing.scene import Scene, kill
from ostinato.traces.types import Trace

TELLER = Path(__file__).parent / "teller.py"
pytestmark = pytest.mark.timeout(1000)


@contextmanager
def telling(kind: str, name: str, url: str, scene: Scene, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A program that tells of its spans."""
    line = [sys.executable, "-W", "ignore", str(TELLER), kind, name, url, scene.token, str(folder / f"{name}.told"), str(scene.stop)]
    env = {
        "PATH": "/usr/bin:/bin", "MLFLOW_TRACKING_TOKEN": scene.token, "MLFLOW_ENABLE_ASYNC_TRACE_LOGGING": "true", "HOME": str(folder),
        "MLFLOW_DISABLE_TELEMETRY": "true", "GIT_PYTHON_REFRESH": "quiet",
    }  # fmt: skip
    with subprocess.Popen(line, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder) as process:
        try:
            yield process
        finally:
            process.kill()


def told(folder: Path) -> set[tuple[str, str]]:
    """What was acknowledged; a line that a kill has cut was not."""
    lines = [line for path in folder.glob("*.told") for line in path.read_text().splitlines(keepends=True)]
    return {(line.split()[0], line.split()[1]) for line in lines if line.endswith("\n")}


def every_trace(app: Ostinato) -> Iterator[Trace]:
    """All traces there are."""
    after = None
    while True:
        page = app.traces.search(limit=1000, after=after)
        yield from page.items
        if (after := page.next) is None:
            return


def test_no_acknowledged_span_is_lost_or_doubled_by_kill_9(
    database: dict[str, str], tmp_path: Path, scale: float, chance: random.Random
) -> None:
    port, folder = free_port(), tmp_path / "told"
    url = f"http://127.0.0.1:{port}"
    folder.mkdir()
    with Scene(tmp_path, database) as scene, ExitStack() as stack:
        serving = scene.server(port)
        other = stack.enter_context(telling("mlflow", "mlflow", f"{url}/mlflow/default", scene, folder))
        until(lambda: any(span == "*" for _, span in told(folder)), 150, "MLflow's client telling")
        first, *others = [stack.enter_context(telling("otel", f"otel-{n}", url, scene, folder)) for n in range(3)]
        for number in range(round(4 * scale)):
            before = len(told(folder))
            until(lambda before=before: len(told(folder)) > before + 20, 150, "more being told")  # type: ignore[misc]
            time.sleep(chance.uniform(0.0, 0.1))  # any moment
            if number == 1:
                first.kill()
                assert first.wait(30) == -signal.SIGKILL
                stack.enter_context(telling("otel", "otel-again", url, scene, folder))
                continue
            kill(serving)
            assert serving.exitcode == -signal.SIGKILL, "it had ended by itself"
            serving = scene.server(port)
        scene.stop.touch()
        assert [process.wait(100) for process in (*others, other)] == [0, 0, 0]
        kill(serving)
    check(tmp_path / "store", told(folder))


def check(data: Path, acknowledged: set[tuple[str, str]]) -> None:
    """Everything acknowledged is there, and the sums are of what is there."""
    there, whole = set[tuple[str, str]](), 0
    with Ostinato.open(data) as app:
        for trace in every_trace(app):
            spans = app.traces.spans(trace.id)
            there |= {(trace.id, span.id) for span in spans} | {(trace.id, "*")}
            assert trace.spans == len(spans) == len({span.id for span in spans})
            assert (trace.usage.total_tokens or 0) == 5 * sum(span.name in ("find", "say") and span.model == "tiny" for span in spans)
            whole += len(spans) == 3
        assert acknowledged <= there, sorted(acknowledged - there)[:5]
        found = app.traces.search(["span.attributes.n = 5"]).items
        assert all(any(span.attributes.get("n") == 5 for span in app.traces.spans(trace.id)) for trace in found)
        assert found, "the index was kept along"
    assert whole > 20
    assert any(span == "*" for _, span in acknowledged)
