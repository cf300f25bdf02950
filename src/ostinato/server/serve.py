"""Serve: one process that holds a store, answers HTTP, keeps workers and endpoints alive, and ends in order."""

from __future__ import annotations

import fcntl
import ipaddress
import json
import logging
import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import uvicorn

from ostinato.app import SLICES, Ostinato
from ostinato.kernel.clock import Clock, SystemClock
from ostinato.kernel.errors import Conflict, Invalid
from ostinato.server.clock import SharedClock
from ostinato.server.health import Health
from ostinato.server.http import build
from ostinato.server.protocol import configured
from ostinato.server.workers import Workers

_log = logging.getLogger("ostinato.server")
TICK_S = 0.2


def serve(
    data: Path,
    host: str = "127.0.0.1",
    port: int = 8080,
    *,
    replay: bool = False,
    at: datetime | None = None,
    beyond_loopback: bool = False,
) -> None:
    """Serve the store in the folder `data` until TERM or INT.

    With `replay` the platform's clock stands still, at the latest of `at`, of where it stood before and of the last event,
    until `PUT /api/v1/clock` moves it.

    Raises:
        Conflict: another living server holds the folder, or the port is taken.
        Invalid: `host` is not of the loopback and `beyond_loopback` was not said: the server speaks no TLS itself.
    """
    if not beyond_loopback and not _is_loopback(host):
        hint = "put a proxy that ends TLS before it, then add --beyond-loopback"
        raise Invalid(f"{host} is not a loopback address, and the server speaks no TLS", hint=hint, field="host")
    _log_to_stderr()
    os.umask(0o077)  # whatever this process and its children write is for its owner alone
    with _held(data), _listening(host, port) as listener:
        clock = _clock(data, replay=replay, at=at)
        with Ostinato.open(data, clock=clock) as app:
            if isinstance(clock, SharedClock):
                _catch_up(app, clock)
            _run(app, listener)


def _run(app: Ostinato, listener: socket.socket) -> None:
    data, health = app.settings.data, Health(app)
    workers = Workers([sys.executable, "-m", "ostinato.cli.main", "--data", str(data), "worker"], app.settings.workers)
    health.add("workers", workers.check)
    ticker = Ticker(app)
    server = Server(app, health, url=f"http://{_address(listener)}")
    workers.start()
    ticker.start()
    try:
        server.run(sockets=[listener])
    finally:
        health.draining.set()
        (data / "server.json").unlink(missing_ok=True)
        workers.end()
        ticker.end()


class Server(uvicorn.Server):
    """uvicorn with our protocol; TERM and INT drain it, and it announces itself once it listens."""

    def __init__(self, app: Ostinato, health: Health, url: str) -> None:
        super().__init__(configured(build(app, SLICES, health)))
        self._data = app.settings.data
        self._pipelines = app.pipelines
        self._health = health
        self._url = url

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        _write_whole(self._data / "server.json", json.dumps({"pid": os.getpid(), "url": self._url}))
        print(f"Ostinato is at {self._url} (the administrator's token: {self._data / 'admin-token'})", flush=True)  # noqa: T201

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 — uvicorn's shape
        """End in order; a second signal ends at once. uvicorn would raise the signal again when it is done, and skip what follows."""
        self.force_exit = self.should_exit
        self.should_exit = True
        self._health.draining.set()
        self._pipelines.drain()


class Ticker:
    """The thread that gives the platform its rounds of background duties."""

    def __init__(self, app: Ostinato) -> None:
        self._app = app
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._turn, name="ostinato-tick", daemon=True)

    def start(self) -> None:
        """Begin the rounds."""
        self._thread.start()

    def end(self) -> None:
        """Finish the present round and stop."""
        self._ending.set()
        self._thread.join()

    def _turn(self) -> None:
        while not self._ending.wait(TICK_S):
            try:
                self._app.tick()
            except Exception:  # the rounds go on: what failed is tried again in the next
                _log.exception("a round of background duties failed")


@contextmanager
def _held(data: Path) -> Iterator[None]:
    """The folder, held against other servers by a file lock that dies with the process."""
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (data / "server.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(f"another server holds {data}", hint=_who(data)) from None
        yield


def _who(data: Path) -> str:
    try:
        told = json.loads((data / "server.json").read_text())
    except (OSError, ValueError):
        return "it is just starting or ending"
    return f"it is the process {told['pid']} at {told['url']}"


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise Conflict(f"cannot listen at {host}:{port}: {error.strerror}", hint="choose another --port; 0 takes a free one") from None
        yield listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _clock(data: Path, *, replay: bool, at: datetime | None) -> Clock:
    if replay:
        return SharedClock(data, at)
    (data / "clock").unlink(missing_ok=True)  # a replay that is over
    return SystemClock()


def _catch_up(app: Ostinato, clock: SharedClock) -> None:
    newest = app.ledger.events(newest_first=True, limit=1).items
    if newest and newest[0].at > clock.now():
        clock.set(newest[0].at.astimezone(UTC))


def _write_whole(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(path)


def _log_to_stderr() -> None:
    """Access lines as bare JSON, everything else with its level."""
    plain, told = logging.StreamHandler(), logging.StreamHandler()
    told.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().handlers[:] = [told]
    access = logging.getLogger("ostinato.access")
    access.handlers[:] = [plain]
    access.propagate = False
    access.setLevel(logging.INFO)
