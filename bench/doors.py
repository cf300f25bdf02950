"""The doors: CPU of a trivial operation over HTTP, of starting, of asking for help; beside a server that does nothing,
and FastAPI and MLflow where they are installed.

`python bench/doors.py [--requests 4000] [--rounds 5]`. `OSTINATO_BENCH_PEERS` names the Python of an environment that has fastapi, uvicorn
and mlflow; what it lacks is left out. Only the processor time of the process in question counts (user and system, from /proc), so
other work on the machine moves the figures little. A figure is the median of the rounds, with their least and greatest.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

PEERS = os.environ.get("OSTINATO_BENCH_PEERS", "")
FASTAPI = """
import hashlib, sys, uvicorn
from fastapi import Depends, FastAPI, Header, HTTPException
app, keys = FastAPI(), {hashlib.sha256(b"token").hexdigest(): {"ledger:read"}}
def admitted(authorization: str = Header()):
    permissions = keys.get(hashlib.sha256(authorization.removeprefix("Bearer ").encode()).hexdigest())
    if permissions is None: raise HTTPException(401)
    if "ledger:read" not in permissions: raise HTTPException(403)
@app.get("/key", dependencies=[Depends(admitted)])
def key() -> dict[str, str]: return {"key": "x" * 60}
uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_level="warning")
"""
FLOOR = """
import socket, sys
from ostinato.server.thread_pool import ThreadPools
from ostinato.serving.plane.listener import Listener
pools, reply = ThreadPools(), b'{"key":"' + b"x" * 60 + b'"}'
async def app(scope, receive, send):
    if scope["path"] == "/thread": await pools.run(len, reply)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(reply))]})
    await send({"type": "http.response.body", "body": reply})
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as listener: Listener(app).run(sockets=[listener])
"""


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    here = [sys.executable, "-c"]
    told("import ostinato", "ms CPU", [child_ms([*here, "import ostinato"]) for _ in range(options.rounds)])
    told("ostinato --help", "ms CPU", [child_ms([*here[:1], "-m", "ostinato.cli.main", "--help"]) for _ in range(options.rounds)])
    with tempfile.TemporaryDirectory() as folder:
        measure_server(Path(folder) / "store", options.requests, options.rounds)
    measure_floor(options.requests, options.rounds)
    if PEERS:
        measure_peers(options.requests, options.rounds)


def measure_floor(requests: int, rounds: int) -> None:
    """What a request costs when the listener, or a thread to which it is handed, does nothing for it."""
    with serving([sys.executable, "-c", FLOOR], positional=True) as (process, port, _):
        for path in ("/", "/thread"):
            ask = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
            for clients in (1, 8):
                told(f"nothing, at {path}, {clients} clients", "µs CPU", cpu_us(process, port, ask, requests, rounds, clients))


def measure_server(data: Path, requests: int, rounds: int) -> None:
    """Start, rest, read and write."""
    with serving([sys.executable, "-m", "ostinato.cli.main", "serve", "--data", str(data)]):
        pass  # the first start makes the store
    ready = []
    for _ in range(rounds):
        with serving([sys.executable, "-m", "ostinato.cli.main", "serve", "--data", str(data)]) as (_, _, took_s):
            ready.append(took_s)
    told("server, start to ready", "s", ready)
    token = (data / "admin-token").read_text().strip()
    environment = {"OSTINATO_WORKERS": "0"}
    with serving([sys.executable, "-m", "ostinato.cli.main", "serve", "--data", str(data)], environment) as (process, port, _):
        time.sleep(1)
        told("server at rest, PSS", "MB", [process.memory_full_info().pss / 2**20])
        head = f"Host: localhost\r\nAuthorization: Bearer {token}\r\n"
        read = f"GET /api/v1/ledger/key HTTP/1.1\r\n{head}\r\n".encode()
        body = '{"subject": "model:late", "text": "seen ########"}'  # no two alike: a repeat would be answered and not written
        sent = f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        write = f"POST /api/v1/alerts HTTP/1.1\r\n{sent}".encode()
        for clients in (1, 8):
            told(f"read, {clients} clients", "µs CPU", cpu_us(process, port, read, requests, rounds, clients))
            told(f"write with its event, {clients} clients", "µs CPU", cpu_us(process, port, write, requests // 4, rounds, clients))


def measure_peers(requests: int, rounds: int) -> None:
    """The same of FastAPI alone, without a store or a log; importing, helping and starting of MLflow."""
    if has("fastapi"):
        with serving([PEERS, "-c", FASTAPI], positional=True, path="/key", token="token") as (process, port, _):
            ask = b"GET /key HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer token\r\n\r\n"
            for clients in (1, 8):
                told(f"fastapi, read, {clients} clients", "µs CPU", cpu_us(process, port, ask, requests, rounds, clients))
    if has("mlflow"):
        told("import mlflow", "ms CPU", [child_ms([PEERS, "-c", "import mlflow"]) for _ in range(rounds)])
        told("mlflow --help", "ms CPU", [child_ms([PEERS, "-m", "mlflow", "--help"]) for _ in range(rounds)])
        with tempfile.TemporaryDirectory() as folder:
            command = [PEERS, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
            with serving(command, path="/health") as (process, _, took_s):
                told("mlflow server, start to ready", "s", [took_s])
                everyone = [process, *process.children(recursive=True)]
                told("mlflow server at rest, PSS", "MB", [sum(p.memory_full_info().pss for p in everyone) / 2**20])


def has(package: str) -> bool:
    """Whether the peers' environment has the package."""
    return subprocess.run([PEERS, "-c", f"import {package}"], capture_output=True, check=False).returncode == 0


@contextmanager
def serving(
    command: list[str],
    environment: dict[str, str] | None = None,
    *,
    positional: bool = False,
    path: str = "/health/ready",
    token: str = "",
) -> Iterator[tuple[psutil.Process, int, float]]:
    """A server as a process, its port, and the seconds until it answered 200 at `path`."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    started = time.perf_counter()
    where = [str(port)] if positional else ["--port", str(port)]
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([*command, *where], env=os.environ | (environment or {}), **silent) as process:
        try:
            ask = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n".encode()
            while not answers(port, ask):
                if process.poll() is not None or time.perf_counter() - started > 300:
                    raise RuntimeError(f"{command} did not start")
                time.sleep(0.005)
            yield psutil.Process(process.pid), port, time.perf_counter() - started
        finally:
            process.send_signal(signal.SIGTERM)


def answers(port: int, ask: bytes) -> bool:
    """Whether the request is answered by 200."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(ask)
            return connection.recv(4096).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


CLIENT = """
import socket, sys
port, count, ask = int(sys.argv[1]), int(sys.argv[2]), sys.stdin.buffer.read()
with socket.create_connection(("127.0.0.1", port)) as connection:
    for number in range(count):
        connection.sendall(ask.replace(b"########", b"%08x" % (hash((sys.argv[3], number)) & 0xFFFFFFFF)))
        reply = connection.recv(65536)
        assert reply.startswith(b"HTTP/1.1 200"), reply
        size = int(reply.lower().split(b"content-length: ", 1)[1].split(b"\\r", 1)[0]) + reply.index(b"\\r\\n\\r\\n") + 4
        while len(reply) < size: reply += connection.recv(65536)
"""


def cpu_us(process: psutil.Process, port: int, ask: bytes, requests: int, rounds: int, clients: int) -> list[float]:
    """Microseconds of the server's CPU for each request, by round."""

    def load(count: int) -> None:
        asking = [
            subprocess.Popen(
                [sys.executable, "-S", "-c", CLIENT, str(port), str(count // clients), str(time.perf_counter())], stdin=subprocess.PIPE
            )
            for _ in range(clients)
        ]
        for client in asking:
            client.stdin.write(ask)
            client.stdin.close()
        assert all(client.wait() == 0 for client in asking)

    def one() -> float:
        before = process.cpu_times()
        load(requests)
        after = process.cpu_times()
        return (after.user + after.system - before.user - before.system) / requests * 1e6

    load(requests // 4)
    return repeated(one, rounds)


def child_ms(command: list[str]) -> float:
    """Milliseconds of CPU that a process takes from start to end."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    return (usage.ru_utime + usage.ru_stime) * 1000


def repeated(measure: Callable[[], float], rounds: int) -> list[float]:
    """The measurement, as often."""
    return [measure() for _ in range(rounds)]


def told(what: str, unit: str, values: list[float]) -> None:
    """One line of the table."""
    print(f"{what:<36} {statistics.median(values):8.1f} {unit:<7} ({min(values):.1f} to {max(values):.1f})", flush=True)


if __name__ == "__main__":
    main()
