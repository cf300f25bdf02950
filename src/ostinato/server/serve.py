"""Serve: one process that holds a store, answers HTTP, has workers when there is work, keeps endpoints alive, and ends in order."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from ostinato.app import SLICES, Ostinato
from ostinato.kernel.clock import Clock, SystemClock
from ostinato.kernel.errors import Conflict, Unavailable
from ostinato.kernel.garbage import settled
from ostinato.kernel.settings import Settings
from ostinato.maintenance.reserve import hold
from ostinato.server.access_log import BatchedHandler
from ostinato.server.clock import SharedClock
from ostinato.server.first_sign_in import first_sign_in_notice
from ostinato.server.handover import Inherited, running, start_successor
from ostinato.server.health import Health
from ostinato.server.http import build
from ostinato.server.sockets import listening_socket, notify_supervisor, require_private, url_of
from ostinato.server.workers import Workers
from ostinato.serving.plane.listener import Listener
from ostinato.storage.disk import blamed, take
from ostinato.storage.web import networks_of

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
    fd: int | None = None,
    handed: Inherited | None = None,
) -> None:
    """Serve the store in the folder `data` until TERM or INT; HUP starts a successor, and this process ends when that one answers.

    With `replay` the platform's clock stands still, at the latest of `at`, of where it stood before and of the last event,
    until `PUT /api/v1/clock` moves it. `fd` is a listening socket to take instead of `host` and `port`; `handed` is what a
    predecessor passes on.

    Raises:
        Conflict: another living server holds the folder, or the port is taken.
        Invalid: `host` is beyond the loopback, there is no certificate, and `beyond_loopback` was not said.
    """
    settings = Settings.read(data)
    _log_to_stderr()
    os.umask(0o077)  # whatever this process and its children write is for its owner alone
    with blamed(data), _held(data, handed) as lock, listening_socket(host, port, handed.listener if handed else fd) as listener:
        require_private(listener, settings, beyond_loopback=beyond_loopback)
        clock = _clock(data, replay=replay, at=at)
        with Ostinato.open(data, clock=clock) as app:
            hold(data)
            if isinstance(clock, SharedClock):
                _catch_up(app, clock)
            command = [sys.executable, "-m", "ostinato.cli.main", "serve", "--data", str(data), "--host", host]
            command += ["--clock", "replay"] * replay + ["--beyond-loopback"] * beyond_loopback
            Running(app, listener, host, handed.ready if handed else None).until_the_end(command, lock)


class Running:
    """A server that runs: its listener, its workers and its rounds of duties."""

    def __init__(self, app: Ostinato, listener: socket.socket, host: str, ready: int | None) -> None:
        self._app = app
        self._data = app.settings.data
        self._listener = listener
        self._health = Health(app)
        command = [sys.executable, "-m", "ostinato.cli.main", "--data", str(self._data), "worker"]
        due = app.pipelines.due if app.settings.worker_idle_s else lambda: True
        self._workers = Workers(command, app.settings.workers, due)
        self._health.add("workers", self._workers.check)
        self._ticker = Ticker(app)
        self._server = Server(app, self._health, host, url_of(listener, tls=bool(app.settings.tls_certificate)), ready)
        self._handing_over = threading.Lock()

    def until_the_end(self, command: list[str], lock: int) -> None:
        """Serve until told to end; HUP starts `command` as the successor."""
        signal.signal(signal.SIGHUP, lambda *_: threading.Thread(target=self._hand_over, args=(command, lock), daemon=True).start())
        self._workers.start()
        self._ticker.start()
        try:
            self._server.run(sockets=[self._listener])
        finally:
            self._health.draining.set()
            if running(self._data) == os.getpid():
                (self._data / "server.json").unlink(missing_ok=True)
            self._workers.end()
            self._ticker.end()

    def _hand_over(self, command: list[str], lock: int) -> None:
        if not self._handing_over.acquire(blocking=False):
            return  # it is under way
        with self._handing_over_ends():
            if start_successor(command, self._listener, lock, lambda: self._server.should_exit):
                self._ticker.end()
                self._app.endpoints.leave()
                self._health.succeeded = True
                self._server.end()

    @contextmanager
    def _handing_over_ends(self) -> Iterator[None]:
        try:
            yield
        finally:
            self._handing_over.release()


class Server(Listener):
    """Listens; TERM and INT drain it, and it announces itself once it listens."""

    def __init__(self, app: Ostinato, health: Health, host: str, url: str, ready: int | None) -> None:
        settings = app.settings
        certificate, key = (Path(path) if path else None for path in (settings.tls_certificate, settings.tls_key))
        networks_of(settings.proxies, "proxies")  # what is none of them would be believed by nobody, in silence
        self._door = build(app, SLICES, health, host)
        super().__init__(self._door, certificate=certificate, key=key, proxies=settings.proxies)
        self._app = app
        self._data = settings.data
        self._pipelines = app.pipelines
        self._health = health
        self._url = url
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        settled()
        _write_whole(self._data / "server.json", json.dumps({"pid": os.getpid(), "url": self._url}))
        if self._ready is not None:
            os.write(self._ready, b"1")
            os.close(self._ready)
        notify_supervisor(f"READY=1\nMAINPID={os.getpid()}")
        _say(f"Ostinato is at {self._url} (the administrator's token: {self._data / 'admin-token'})")
        if said := first_sign_in_notice(self._app, self._url):
            _say(said)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        self._door.access_log.write()

    def end(self) -> None:
        """End in order: not ready any more, no new connections, streams end, what is under way is answered."""
        self.should_exit = True
        self._health.draining.set()
        self._pipelines.drain()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 — uvicorn's shape
        """End in order; a second signal ends at once. uvicorn would raise the signal again when it is done, and skip what follows."""
        self.force_exit = self.should_exit
        self.end()


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
            except Unavailable as error:  # the store is out of reach for a while
                _log.warning("%s", error)
                self._ending.wait(1.0)
            except Exception:  # the rounds go on: what failed is tried again in the next
                _log.exception("a round of background duties failed")


@contextmanager
def _held(data: Path, handed: Inherited | None) -> Iterator[int]:
    """The folder, held against other servers by a file lock that dies with the process; a successor inherits it."""
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(handed.lock if handed else data / "server.lock", "a") as lock:
        os.set_inheritable(lock.fileno(), False)
        if not take(lock.fileno()):
            raise Conflict(f"another server holds {data}", hint=_who(data))
        yield lock.fileno()


def _who(data: Path) -> str:
    try:
        told = json.loads((data / "server.json").read_text())
    except (OSError, ValueError):
        return "it is just starting or ending"
    return f"it is the process {told['pid']} at {told['url']}"


def _clock(data: Path, *, replay: bool, at: datetime | None) -> Clock:
    if replay:
        return SharedClock(data, at)
    (data / "clock").unlink(missing_ok=True)  # a replay that is over
    return SystemClock()


def _catch_up(app: Ostinato, clock: SharedClock) -> None:
    newest = app.ledger.events(newest_first=True, limit=1).items
    if newest and newest[0].at > clock.now():
        clock.set(newest[0].at.astimezone(UTC))


def _say(text: str) -> None:
    with suppress(OSError):  # nobody may be listening any more
        print(text, flush=True)  # noqa: T201


def _write_whole(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(path)


def _log_to_stderr() -> None:
    """Access lines as bare JSON, everything else with its level."""
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False  # nothing of ours shows them, every line would pay
    told = logging.StreamHandler()
    told.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().handlers[:] = [told]
    access = logging.getLogger("ostinato.access")
    access.handlers[:] = [BatchedHandler(os.fdopen(2, "w", encoding="ascii", closefd=False))]
    access.propagate = False
    access.setLevel(logging.INFO)
