"""The process of a plane: `python -m ostinato.serving.plane --home DIR`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import socket
import sys
import time
from pathlib import Path

import uvicorn

from ostinato.kernel.garbage import settled, spare
from ostinato.serving.plane.engine import Engine
from ostinato.serving.plane.http import InferenceApp
from ostinato.serving.plane.listener import Listener
from ostinato.serving.plane.log import Log
from ostinato.serving.plane.plan import LOCK, PLAN, STATE, PlaneState, encode, read_plan, read_state, replace
from ostinato.serving.plane.scoring import ModelError
from ostinato.storage import disk

_POLL_S = 0.1
Stamp = tuple[int, int]


def main() -> int:
    """Serve the folder until told to end; a second plane of the same folder ends at once."""
    spare()
    parser = argparse.ArgumentParser(description="Serve one endpoint by the Open Inference Protocol.")
    parser.add_argument("--home", type=Path, required=True, help="the folder of the endpoint, with plan.json")
    home: Path = parser.parse_args().home
    if not _alone(home):
        return 0
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # a few rows are no work for a pool of threads, which would wait by spinning
    uvicorn_loop = uvicorn.Config(_nothing, loop="auto").get_loop_factory()
    with asyncio.Runner(loop_factory=uvicorn_loop) as runner:
        runner.run(_serve(home, _listen(home)))
    return 0


def _alone(home: Path) -> bool:
    """Take the lock of the folder for the life of this process; who only looks at the lock holds it for a moment."""
    lock = os.open(home / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    for _ in range(20):
        if disk.take(lock):
            return True
        time.sleep(0.05)
    return False


async def _serve(home: Path, listener: socket.socket) -> None:
    engine = Engine(Log(home / "log"))
    server = Listener(InferenceApp(engine))
    port = listener.getsockname()[1]
    stamp = await _follow_once(home, engine, port, None)  # who connects meanwhile waits in the backlog instead of being refused
    settled()
    following = asyncio.create_task(_follow(home, engine, port, stamp))
    following.add_done_callback(lambda _: setattr(server, "should_exit", True))
    try:
        await server.serve(sockets=[listener])
    finally:
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following
        await engine.close()


async def _follow(home: Path, engine: Engine, port: int, stamp: Stamp) -> None:
    """Follow the plan as it changes; return when the folder is gone."""
    with contextlib.suppress(FileNotFoundError):
        while True:
            await asyncio.sleep(_POLL_S)
            stamp = await _follow_once(home, engine, port, stamp)


async def _follow_once(home: Path, engine: Engine, port: int, stamp: Stamp | None) -> Stamp:
    """Load the plan if it has changed, and record that in `state.json`."""
    found = (home / PLAN).stat()
    if (found.st_mtime_ns, found.st_ino) != stamp:
        replace(home / STATE, encode(await _apply(home, engine, port)))
    return found.st_mtime_ns, found.st_ino


async def _apply(home: Path, engine: Engine, port: int) -> PlaneState:
    plan, digest = read_plan(home)
    try:
        problem = await engine.follow(plan)
    except ModelError as error:
        print(f"ostinato: {error}", file=sys.stderr)  # noqa: T201
        return PlaneState(pid=os.getpid(), port=port, plan=digest, ready=engine.serving is not None, problem=str(error))
    return PlaneState(pid=os.getpid(), port=port, plan=digest, ready=True, problem=problem, versions=[v.version for v in plan.versions])


def _listen(home: Path) -> socket.socket:
    """The port of the plane before us if it is free, so that its clients find us; else any."""
    before = read_state(home)
    for port in (before.port if before else 0, 0):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            listener.close()
        else:
            listener.listen(1024)
            listener.setblocking(False)
            return listener
    raise OSError("no port is free")


async def _nothing(scope: object, receive: object, send: object) -> None:
    """Uvicorn wants an app even where only its choice of a loop is asked."""


if __name__ == "__main__":
    sys.exit(main())
