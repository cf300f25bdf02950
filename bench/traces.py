"""Traces from 1k to 100k: what it costs to take them, and to find them again. `python bench/traces.py [SIZE…]`"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from ostinato.app import Ostinato
from ostinato.kernel.clock import ReplayClock
from ostinato.kernel.instant import micros_of
from ostinato.traces.types import Span

NOW = datetime(2026, 1, 31, tzinfo=UTC)
SPANS, AT_ONCE, REPEATS = 4, 100, 7
SEARCHES: dict[str, tuple[list[str], str]] = {
    "newest 50": ([], "-started_at"),
    "of an experiment": (["experiment = chat"], "-started_at"),
    "failed and slow": (["state = error and duration_ms > 2000"], "-started_at"),
    "of a session": (["session = s7"], "-started_at"),
    "slowest of a day": (["started_at > -1d"], "-duration_ms"),
    "slowest of all": ([], "-duration_ms"),
    "by a word of a span": (["span.attributes.gen_ai.request.model = rare"], "-started_at"),
    "by text": (["text ~ nowhere"], "-started_at"),
}


def main() -> None:
    sizes = [int(size) for size in sys.argv[1:]] or [1_000, 10_000, 100_000]
    with tempfile.TemporaryDirectory() as folder, Ostinato.open(folder, clock=ReplayClock(NOW)) as app:
        chance, kept = random.Random(1), 0
        for size in sizes:
            began, cpu = time.perf_counter(), time.process_time()
            for first in range(kept, size, AT_ONCE):
                app.traces.put([span for n in range(first, min(first + AT_ONCE, size)) for span in trace(n, chance)], "chat")
            spans = (size - kept) * SPANS
            wall, cpu = time.perf_counter() - began, time.process_time() - cpu
            kept = size
            print(f"\n{size:,} traces of {SPANS} spans: taken at {spans / wall:,.0f} spans/s, {cpu / spans * 1e6:.0f} µs CPU a span")
            for name, (where, order) in SEARCHES.items():
                print(f"  {name:22} {spread(lambda where=where, order=order: app.traces.search(where, order, 50))}")
            last = app.traces.search(limit=1).items[0].id
            print(f"  {'one with its spans':22} {spread(lambda last=last: app.traces.spans(last))}")
            print(f"  {'percentiles of a day':22} {spread(lambda: app.traces.moments())}")
            print(f"  {'percentiles of 30 days':22} {spread(lambda: app.traces.moments(since=NOW - timedelta(days=30)))}")


def trace(number: int, chance: random.Random) -> list[Span]:
    """A trace of an application: four steps within 30 days."""
    start = micros_of(NOW - timedelta(seconds=chance.random() * 30 * 86_400)) * 1000
    took = int(chance.lognormvariate(7, 0.7) * 1e6)
    id_ = f"tr-{number:032x}"
    said = {"gen_ai.request.model": "rare" if number % 1_000 == 0 else "tiny", "gen_ai.usage.input_tokens": number % 4_000}
    root = Span(
        trace=id_, id=f"{1:016x}", name="answer", start_ns=start, end_ns=start + took, state="error" if number % 50 == 0 else "ok",
        attributes={"mlflow.spanInputs": {"q": "Why? " * 20}, "mlflow.spanOutputs": "Because. " * 30, "session.id": f"s{number % 500}"},
    )  # fmt: skip
    steps = [
        Span(trace=id_, id=f"{n:016x}", parent=root.id, name=f"step {n}", start_ns=start, end_ns=start + took // n, attributes=said)
        for n in range(2, SPANS + 1)
    ]
    return [root, *steps]


def spread(act: Callable[[], object]) -> str:
    """The median of some repeats, and their extremes, in milliseconds."""
    took = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        act()
        took.append((time.perf_counter() - began) * 1e3)
    took.sort()
    return f"{took[len(took) // 2]:8.2f} ms ({took[0]:.2f}–{took[-1]:.2f})"


if __name__ == "__main__":
    main()
