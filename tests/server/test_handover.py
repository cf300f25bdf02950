"""A server is replaced while clients that never try again keep asking: none of them notices."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from tests.server.running import address, command, opened, running

from ostinato.kernel.errors import NotFound
from ostinato.server.handover import hand_over
from ostinato.testing.processes import until

pytestmark = pytest.mark.timeout(180)


class Client:
    """Asks one thing after another, reads and writes, and keeps count of what failed."""

    def __init__(self, data: Path, *, keeps_alive: bool, name: str) -> None:
        parts = urlsplit(address(data))
        self._where = (parts.hostname or "", parts.port or 0)
        self._headers = {"Authorization": f"Bearer {(data / 'admin-token').read_text().strip()}"}
        self._keeps_alive = keeps_alive
        self._name = name
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self.answered = 0
        self.projects: list[str] = []
        self.failures: list[str] = []

    def __enter__(self) -> Client:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def _ask(self) -> None:
        connection = http.client.HTTPConnection(*self._where, timeout=30)
        while not self._ending.is_set():
            project = f"{self._name}-{self.answered}" if self.answered % 10 == 0 else ""
            method, path = ("POST", f"/api/v1/access/projects/{project}") if project else ("GET", "/api/v1/clock")
            try:
                connection.request(method, path, headers=self._headers)
                reply = connection.getresponse()
                reply.read()
                assert reply.status == 200, f"{reply.status} to {method} {path}"
            except (OSError, http.client.HTTPException, AssertionError) as error:
                self.failures.append(repr(error))
                connection.close()
            self.answered += 1
            if project:
                self.projects.append(project)
            if not self._keeps_alive:
                connection.close()
        connection.close()


@contextlib.contextmanager
def clients(data: Path) -> Iterator[list[Client]]:
    with contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(Client(data, keeps_alive=kind, name=f"{'kept' if kind else 'new'}-{i}"))
            for i in range(2)
            for kind in (1, 0)
        ]


def test_three_hand_overs_under_load_lose_nothing(tmp_path: Path) -> None:
    data = tmp_path / "store"
    with running(data) as process:
        pids = [process.pid]
        with clients(data) as asking:
            for _ in range(3):
                before = [client.answered for client in asking]
                pids.append(hand_over(data))
                until(lambda: not _lives(pids[-2]), 30)
                until(lambda seen=before: all(c.answered > n for c, n in zip(asking, seen, strict=True)))
        process.wait(timeout=5)
        assert process.returncode == 0
        assert len(set(pids)) == 4
        assert [client.failures for client in asking] == [[], [], [], []]
        with opened(data) as app:
            known = {project.name for project in app.access.projects()}
            assert known == {"default", *(name for client in asking for name in client.projects)}
        assert httpx.get(f"{address(data)}/health/ready").json()["checks"]["workers"] == "ok"
        os.kill(pids[-1], signal.SIGTERM)
        until(lambda: not _lives(pids[-1]))
        assert not (data / "server.json").exists()


def _lives(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_a_successor_that_fails_leaves_the_server_as_it_was(tmp_path: Path) -> None:
    data = tmp_path / "store"
    with running(data, env={"OSTINATO_WORKERS": "0"}) as process:
        (data / "ostinato.db").chmod(0o600)
        folder = data.rename(tmp_path / "elsewhere")  # the successor finds no store, and nothing that it may make one of
        data.write_text("no folder")
        process.send_signal(signal.SIGHUP)
        until(lambda: "this server goes on" in (tmp_path / "log").read_text())
        assert httpx.get(f"{address(folder)}/health/live").status_code == 200
        assert process.poll() is None
        data.unlink()
        folder.rename(data)


def test_there_is_nothing_to_hand_over(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no server is running"):
        hand_over(tmp_path)
    told = subprocess.run([*command(tmp_path), "--hand-over"], capture_output=True, text=True, timeout=60, check=False)
    assert (told.returncode, "no server is running" in told.stderr) == (4, True)


AS_SYSTEMD = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.argv[2], sys.argv[2:])
"""


def test_a_socket_is_taken_over_from_systemd(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(str(tmp_path / "notify"))
        notified.settimeout(30)
        port = listener.getsockname()[1]
        with subprocess.Popen(
            [sys.executable, "-c", AS_SYSTEMD, str(listener.fileno()), *command(tmp_path / "store")],
            pass_fds=[listener.fileno()],
            env=os.environ | {"NOTIFY_SOCKET": str(tmp_path / "notify"), "OSTINATO_WORKERS": "0"},
            stdout=subprocess.DEVNULL,
        ) as process:
            try:
                assert notified.recv(200).decode().split("\n") == ["READY=1", f"MAINPID={process.pid}"]
                assert httpx.get(f"http://127.0.0.1:{port}/health/ready").status_code == 200
            finally:
                process.terminate()
        assert process.returncode == 0


def test_what_is_no_listening_socket_is_refused(tmp_path: Path) -> None:
    told = subprocess.run([*command(tmp_path), "--fd", "77"], capture_output=True, text=True, timeout=60, check=False)
    assert (told.returncode, "no listening socket" in told.stderr) == (2, True)
