"""Large bodies through HTTP: in parts, over a connection that is cut, over a restart of both sides."""

from __future__ import annotations

import io
import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from blake3 import blake3

from ostinato.app import Ostinato
from ostinato.client.remote import Remote, connect
from ostinato.data.types import Contract
from ostinato.kernel.errors import Conflict, Invalid, NotFound
from ostinato.storage.blobs.sending import PART_BYTES, Span
from ostinato.testing.doors import served

CONTENT = random.Random(3).randbytes(33_000_000)
NAME = blake3(CONTENT).hexdigest()


class Cutting:
    """A proxy that lets `allowance` bytes of a connection pass, then cuts it; the sizes of `cuts` more connections."""

    def __init__(self, url: str, allowance: int, cuts: int) -> None:
        self.passed = self.made = 0
        self._target = urlsplit(url).port
        self._ends: list[socket.socket] = []
        self._allowance, self._cuts = allowance, cuts
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near = self._listener.accept()[0]
                far = socket.create_connection(("127.0.0.1", self._target))
                self._ends += [near, far]
                for source, target, counted in ((near, far, True), (far, near, False)):
                    self._threads.append(threading.Thread(target=self._pass, args=(source, target, counted)))
                    self._threads[-1].start()

    def _pass(self, source: socket.socket, target: socket.socket, counted: bool) -> None:
        passed = 0
        with suppress(OSError):
            while piece := source.recv(65_536):
                passed += len(piece) if counted else 0
                self.passed += len(piece) if counted else 0
                if passed > self._allowance and self.made < self._cuts:
                    self.made += 1
                    break
                target.sendall(piece)
        self._cut(source, target)

    def _cut(self, *ends: socket.socket) -> None:
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._cut(self._listener, *self._ends)
        for thread in self._threads:
            thread.join(10)
        for end in (self._listener, *self._ends):
            end.close()


@contextmanager
def cutting(url: str, allowance: int, cuts: int) -> Iterator[Cutting]:
    proxy = Cutting(url, allowance, cuts)
    try:
        yield proxy
    finally:
        proxy.close()


def token(app: Ostinato) -> str:
    return (app.settings.data / "admin-token").read_text().strip()


@pytest.fixture
def remote(app: Ostinato) -> Iterator[Remote]:
    with served(app) as url, connect(url, token(app)) as opened:
        yield opened


def test_a_large_artifact_survives_cuts_and_only_parts_are_sent_again(app: Ostinato) -> None:
    with served(app) as url, cutting(url, PART_BYTES + 4_000_000, cuts=2) as proxy, connect(proxy.url, token(app)) as remote:
        run = remote.runs.start("large").id
        made = remote.runs.put_artifact(run, "weights.bin", CONTENT)
        assert (made.size, proxy.made) == (len(CONTENT), 2)
        assert proxy.passed < len(CONTENT) + 2 * PART_BYTES + 1_000_000
        sent = proxy.passed
        assert remote.runs.put_artifact(run, "weights.bin", CONTENT) == made
        assert proxy.passed - sent < 100_000, "what has arrived is not sent again"
        assert remote.runs.artifact(run, "weights.bin") == CONTENT
        assert remote.runs.artifact(run, "weights.bin", start=5, size=10) == CONTENT[5:15]
    assert app.runs.artifact(run, "weights.bin") == CONTENT


def test_an_upload_goes_on_after_a_restart_of_client_and_server(tmp_path: Path) -> None:
    with Ostinato.open(tmp_path / "store") as app, served(app) as url, connect(url, token(app)) as remote:
        run = remote.runs.start("large").id
        for start in (0, 2 * PART_BYTES):
            remote.runs.send_part(NAME, start, CONTENT[start : start + PART_BYTES])
    with Ostinato.open(tmp_path / "store") as app, served(app) as url, cutting(url, 0, cuts=0) as proxy:
        with connect(proxy.url, token(app)) as remote:
            assert remote.runs.received(NAME).parts == [Span(start=0, size=PART_BYTES), Span(start=2 * PART_BYTES, size=PART_BYTES)]
            with pytest.raises(Conflict, match=f"from {PART_BYTES} on"):
                remote.runs.put_artifact_sent(run, "weights.bin", NAME, len(CONTENT))
            remote.runs.put_artifact(run, "weights.bin", CONTENT)
            assert proxy.passed < len(CONTENT) - 2 * PART_BYTES + 100_000
        assert app.runs.artifact(run, "weights.bin") == CONTENT


def test_a_large_table_is_delivered_in_parts(app: Ostinato, remote: Remote) -> None:
    sink = io.BytesIO()
    pq.write_table(pa.table({"x": np.random.default_rng(0).normal(size=2_500_000)}), sink)
    assert len(sink.getvalue()) > 16 << 20
    remote.datasets.create("d", Contract())
    made = remote.datasets.upload("d", "first", sink.getvalue())
    assert (made.state, made.rows) == ("accepted", 2_500_000)
    assert app.datasets.upload("d", "first", sink.getvalue()) == made


def test_a_large_model_arrives_in_parts_and_only_those_that_are_missing(app: Ostinato) -> None:
    with served(app) as url, cutting(url, 0, cuts=0) as proxy, connect(proxy.url, token(app)) as remote:
        remote.models.send_part(NAME, PART_BYTES, CONTENT[PART_BYTES : 2 * PART_BYTES])
        before = proxy.passed
        digest = remote.models.upload(CONTENT)
        assert proxy.passed - before < len(CONTENT) - PART_BYTES + 100_000
    assert app.blobs.open(digest) == CONTENT
    assert app.models.upload(CONTENT) == digest


def test_uploads_say_what_is_wrong(remote: Remote) -> None:
    run = remote.runs.start("large").id
    with pytest.raises(NotFound, match="no upload"):
        remote.runs.put_artifact_sent(run, "a", NAME, 5)
    with pytest.raises(Invalid, match="not a digest"):
        remote.runs.send_part("etc", 0, b"x")
    remote.runs.send_part(NAME, 0, b"other")
    with pytest.raises(Invalid, match="not the bytes"):
        remote.runs.put_artifact_sent(run, "a", NAME, 5)
    with pytest.raises(Invalid):
        remote.runs.send_part(NAME, 0, b"")
    remote.runs.send_part(blake3(b"path").hexdigest(), 0, b"path")
    with pytest.raises(Invalid, match="path within a run"):
        remote.runs.put_artifact_sent(run, "../../etc/passwd", blake3(b"path").hexdigest(), 4)
    assert remote.runs.artifacts(run) == []
