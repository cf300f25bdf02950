"""The remote faces against a real server: the same types in and out, patience through restarts."""

from __future__ import annotations

import gc
import http.client
import inspect
import math
import os
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

import msgspec
import pytest

from ostinato.client.connection import Connection
from ostinato.client.remote import Remote, connect
from ostinato.kernel.errors import Conflict, Denied, GateFailed, Invalid, NotFound, StepFailed, TooLarge, Unauthenticated, Unavailable
from ostinato.kernel.ref import Ref
from ostinato.testing.doors import served
from ostinato.testing.processes import forked, free_port
from ostinato.testing.toy import API, Part, Toy


def test_a_client_loads_the_slices_that_it_asks_and_no_database() -> None:
    """Whoever logs to a server pays for neither; a face is there once it is asked for."""
    code = """
import sys
import ostinato.face
from ostinato.client.remote import Remote
heavy = ("sqlalchemy", "pyarrow", "duckdb", "ostinato.app", "ostinato.tracking.service")
assert not [name for name in heavy if name in sys.modules], [name for name in heavy if name in sys.modules]
remote = Remote(None)
assert remote.runs is remote.runs and remote.runs.search
assert "ostinato.tracking.service" in sys.modules
assert "ostinato.app" not in sys.modules and "ostinato.insights.api" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.fixture
def ana(url: str) -> Iterator[Remote]:
    with Remote(Connection(url, "ana-token", "default"), [API]) as remote:
        yield remote


def test_types_go_there_and_come_back(ana: Remote) -> None:
    parts = [Part(name="string", weight=0.1), Part(name="wood")]
    made = ana.toys.make("top", parts, origin=Ref("dataset", "wood", "3"), kind="fancy")
    assert made == Toy(
        name="top",
        made_at=datetime(2013, 1, 1, tzinfo=UTC),
        made_by="person:ana",
        parts=parts,
        origin=Ref("dataset", "wood", "3"),
        kind="fancy",
    )
    assert ana.toys.get(name="top") == made
    assert ana.toys.drop("top") is None


def test_queries_travel_whole(ana: Remote) -> None:
    for name in ("a", "b", "c"):
        ana.toys.make(name, [Part(name="leg", weight=2.0)], kind="fancy")
    page = ana.toys.search(
        kinds=["fancy", "x&y=z"], since=datetime(2012, 1, 1, tzinfo=UTC), limit=2, backwards=False, weights={"arm": 1.0}, after=None
    )
    assert [t.name for t in page.items] == ["a", "b"]
    assert ana.toys.search(after=page.next).items[0].name == "c"
    with pytest.raises(Invalid, match="time zone"):
        ana.toys.search(since=datetime(2012, 1, 1))  # noqa: DTZ001
    assert ana.toys.ref("model:late@7", of=Ref("run", "a/b c".replace(" ", "+"))) == [Ref("model", "late", "7"), Ref("run", "a/b+c")]
    assert ana.toys.ref(Ref("model", "late", "7")) == [Ref("model", "late", "7")]


def test_paths_travel_whole(ana: Remote) -> None:
    for path in ("a/b/c.json", "with blank/ü?x=1#y", "100%/a+b"):
        assert ana.toys.file("top", path) == f"top:{path}"
    ana.toys.make("top")
    assert ana.toys.version("top", 6) == 7
    with pytest.raises(Invalid, match="empty"):
        ana.toys.get("")


def test_bytes_and_odd_floats_travel(ana: Remote) -> None:
    assert ana.toys.paint("top", b"\x00\xff" * 100, layer=3) == 203
    assert ana.toys.painted("top") == b"\x00\xff" * 100
    back = ana.toys.values([0.1 + 0.2, -0.0, math.inf, math.nan])
    assert back[:3] == [0.1 + 0.2, -0.0, math.inf]
    assert math.isnan(back[3])


def test_errors_are_rebuilt(ana: Remote, url: str) -> None:
    with pytest.raises(GateFailed) as gate:
        ana.toys.fail("gate")
    assert (gate.value.message, gate.value.hint, gate.value.evidence) == ("too light", "add weight", {"weight": 0.5})
    with pytest.raises(StepFailed) as step:
        ana.toys.fail("step")
    assert step.value.step == "train"
    with pytest.raises(NotFound):
        ana.toys.get("nothing")
    ana.toys.make("top")
    with pytest.raises(Conflict, match="another toy"):
        ana.toys.make("top", [Part(name="leg")])
    with pytest.raises(Denied) as denied:
        Remote(Connection(url, "bob-token", "default"), [API]).toys.make("x")
    assert denied.value.permission == "toy:write"
    with pytest.raises(Unauthenticated):
        Remote(Connection(url, "stolen", "default"), [API]).toys.search()


def test_a_body_that_is_too_large_is_refused_and_not_repeated(ana: Remote) -> None:
    started = time.monotonic()
    with pytest.raises(TooLarge, match="1 MiB"):
        ana.toys.paint("top", b"x" * (8 << 20))
    assert time.monotonic() - started < 5
    assert ana.toys.paint("top", b"x") == 1


def test_verbs_look_like_those_of_the_service(ana: Remote) -> None:
    assert list(inspect.signature(ana.toys.make).parameters) == ["name", "parts", "origin", "kind"]
    assert ana.toys.make.__doc__.startswith("Make a toy.")
    with pytest.raises(TypeError):
        ana.toys.make(nam="top")
    with pytest.raises(AttributeError, match="in process"):
        ana.toys.table("x")
    with pytest.raises(AttributeError):
        _ = ana.nothing
    assert "ana-token" not in repr(ana)


def test_the_clock_of_the_server(ana: Remote, toys: object) -> None:
    assert ana.clock.now() == datetime(2013, 1, 1, tzinfo=UTC)
    ana.clock.set(datetime(2013, 3, 1, tzinfo=UTC))
    assert toys.clock.now() == datetime(2013, 3, 1, tzinfo=UTC)


def test_a_busy_server_is_asked_again(ana: Remote, toys: object) -> None:
    assert ana.toys.fail("busy") is None
    assert toys.toys.failures == 3


def test_calls_survive_a_restart_of_the_server(toys: object, monkeypatch: pytest.MonkeyPatch) -> None:
    refused, connect = threading.Event(), Connection._connect

    def trying(link: Connection) -> http.client.HTTPConnection:
        try:
            return connect(link)
        except ConnectionError:
            refused.set()
            raise

    monkeypatch.setattr(Connection, "_connect", trying)
    with served(toys, [API]) as url:
        port = urlsplit(url).port
        remote = Remote(Connection(url, "ana-token", "default"), [API])
        remote.toys.make("top")
    answers = []
    asking = threading.Thread(target=lambda: answers.append(remote.toys.get("top").name))
    asking.start()
    assert refused.wait(30)
    assert answers == []
    with served(toys, [API], port):
        asking.join(timeout=10)
    assert answers == ["top"]


def test_a_server_that_is_gone_is_given_up(url: str) -> None:
    started = time.monotonic()
    with pytest.raises(Unavailable, match="out of reach"):
        Connection(f"http://127.0.0.1:{free_port()}", "t", "default", patience_s=0.5).call("GET", "/")
    assert time.monotonic() - started < 3
    with pytest.raises(Invalid):
        Connection("localhost:8080", "t", "default")


def test_a_child_of_fork_has_its_own_connection(ana: Remote) -> None:
    ana.toys.make("top")
    reader, writer = os.pipe()
    child = forked(lambda: os.write(writer, ana.toys.get("top").name.encode()))
    os.close(writer)
    assert os.read(reader, 10) == b"top"
    assert os.waitpid(child, 0)[1] == 0
    assert ana.toys.get("top").name == "top"


def test_the_sockets_of_a_remote_that_goes_with_a_cycle_are_closed(ana: Remote) -> None:
    ana.toys.make("top")
    other = ana._link.with_patience(1.0)
    other._idle.append(ana._link._idle.pop())  # a socket older than who has it, so that the collector comes to it first
    other.within = other  # type: ignore[attr-defined]
    del other
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        gc.collect()
    assert told == []


def test_threads_share_a_remote(ana: Remote) -> None:
    threads = [threading.Thread(target=lambda i=i: ana.toys.make(f"t{i}")) for i in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ana.toys.search(limit=100).items) == 16


def test_connecting_to_nobody_is_told_soon_and_with_what_to_do() -> None:
    started = time.monotonic()
    with pytest.raises(Unavailable, match="out of reach") as gone:
        connect(f"http://127.0.0.1:{free_port()}", "t")
    assert time.monotonic() - started < 6
    assert "ostinato serve" in gone.value.hint


def test_replies_are_packed_on_the_way_from_afar_only(ana: Remote, url: str) -> None:
    near, far = Connection(url, "ana-token", "default"), Connection("http://ml.example", "t", "default")
    assert "Accept-Encoding" not in near._headers
    assert far._headers["Accept-Encoding"] == "gzip, deflate, zstd"
    near._headers["Accept-Encoding"] = "zstd"
    values = [float(i) for i in range(5000)]
    reply = near.call("POST", "/api/v1/toys/values", msgspec.msgpack.encode({"values": values}), "application/msgpack")
    assert msgspec.msgpack.decode(reply.content) == values
