"""CPU of the plane per request: `python bench/serving.py [--requests 4000]`; with checks, log and natural batching on.

Only the plane's own processor time counts (user and system, from /proc), so other work on the machine moves the figures little.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

from ostinato.registry.flavors.linear import Linear, Logistic, Term
from ostinato.registry.types import Field, Signature
from ostinato.serving.plane.plan import PLAN, Plan, Served, encode, read_state, replace

WIDTH = 30
SIGNATURE = Signature(inputs=[Field(name=f"x{i}") for i in range(WIDTH)])


def artifact(flavor: str) -> bytes:
    """A model of 30 floats."""
    if flavor == "linear":
        return Linear().dump(Logistic(intercept=0.0, terms=[Term(weight=0.1)] * WIDTH))
    from sklearn.ensemble import HistGradientBoostingClassifier

    from ostinato.registry.flavors.sklearn import Sklearn

    rng = np.random.default_rng(0)
    x = rng.normal(size=(2000, WIDTH))
    return Sklearn().dump(HistGradientBoostingClassifier(max_iter=100).fit(x, x[:, 0] + rng.normal(size=2000) > 0))


async def client(port: int, requests: int, name: str) -> None:
    """One connection that asks one row at a time."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    inputs = [{"name": f"x{i}", "shape": [1], "datatype": "FP64", "data": [0.1 * i]} for i in range(WIDTH)]
    for number in range(requests):
        body = json.dumps({"id": f"{name}-{number}", "inputs": inputs}).encode()
        head = f"POST /v2/models/bench/infer HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer key\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in answer.split(b"\r\n", 1)[0], answer
        size = int(next(line for line in answer.split(b"\r\n") if line.lower().startswith(b"content-length")).split(b":")[1])
        await reader.readexactly(size)
    writer.close()


async def load(port: int, connections: int, requests: int, name: str) -> None:
    """Many connections at once."""
    await asyncio.gather(*(client(port, requests // connections, f"{name}-{c}") for c in range(connections)))


def main() -> None:
    """Print one line per flavor and number of connections."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=4000)
    requests = parser.parse_args().requests
    for flavor in ("linear", "sklearn"):
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            (home / "model").write_bytes(artifact(flavor))
            served = Served(
                version=1, ref="model:bench@1", artifact=str(home / "model"), flavor=flavor, signature=SIGNATURE, role="stable", weight=1.0
            )
            replace(home / PLAN, encode(Plan(endpoint="bench", salt="", keys=[hashlib.sha256(b"key").hexdigest()], versions=[served])))
            plane = subprocess.Popen([sys.executable, "-m", "ostinato.serving.plane", "--home", folder])
            started = time.monotonic()
            while (state := read_state(home)) is None:
                time.sleep(0.02)
            process = psutil.Process(plane.pid)
            print(f"{flavor}: ready after {time.monotonic() - started:.1f} s, USS {process.memory_full_info().uss / 2**20:.0f} MB")
            for connections in (1, 16, 64):
                before, begun = process.cpu_times(), time.monotonic()
                asyncio.run(load(state.port, connections, requests, str(connections)))
                after, wall_s = process.cpu_times(), time.monotonic() - begun
                cpu_us = (after.user + after.system - before.user - before.system) / requests * 1e6
                print(f"{flavor}: {connections:2d} connections: {cpu_us:4.0f} us CPU per request, {requests / wall_s:5.0f} requests/s")
            plane.terminate()
            plane.wait()


if __name__ == "__main__":
    main()
