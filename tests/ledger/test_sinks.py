"""Events on their way out: to a real web server and to a file."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.ledger.conftest import Store

from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import Conflict, Denied, Invalid, NotFound
from ostinato.ledger import deliver
from ostinato.ledger.deliver import SINKS
from ostinato.ledger.service import Ledger
from ostinato.storage import web


class Receiver(ThreadingHTTPServer):
    """A web server that keeps what is posted and answers `status`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 204
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.url = f"http://127.0.0.1:{self.server_port}/hook?a=1"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append(({**self.headers, "path": self.path}, body))
        self.send_response(self.server.status)
        self.send_header("Location", self.server.url)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def _verbs(receiver: Receiver) -> list[str]:
    return [json.loads(body)["verb"] for _, body in receiver.received]


def test_a_webhook_gets_each_event_signed_and_once(store: Store, receiver: Receiver) -> None:
    store.act("model.approved", "model:late@1")
    subscription = store.ledger.subscribe("ops", "webhook", {"url": receiver.url}, ["model.*"])
    event = store.act("model.promoted", "model:late@1", ["run:r1"], data={"alias": "champion"})
    store.act("run.started", "run:r2")
    with calling(Caller(actor="person:bo", project="other")):
        store.act("model.promoted", "model:late@1")
    store.ledger.tick()
    store.ledger.tick()
    ((headers, body),) = receiver.received
    assert headers["path"] == "/hook?a=1"
    assert headers["Idempotency-Key"] == event.id
    assert subscription.secret is not None
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = hmac.digest(base64.b64decode(subscription.secret.removeprefix("whsec_")), signed, hashlib.sha256)
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
    assert headers["webhook-id"] == event.id
    told = json.loads(body)
    assert (told["seq"], told["subject"], told["inputs"], told["data"]) == (event.seq, "model:late@1", ["run:r1"], {"alias": "champion"})


@pytest.mark.parametrize("status", [500, 302])
def test_what_was_not_taken_comes_again_after_a_pause(store: Store, receiver: Receiver, status: int) -> None:
    store.ledger.subscribe("ops", "webhook", {"url": receiver.url}, ["run.*"])
    receiver.status = status
    store.act("run.started", "run:r1")
    store.act("run.finished", "run:r1")
    store.ledger.tick()
    store.ledger.tick()
    assert _verbs(receiver) == ["run.started"], "in order, no second try within the pause, no redirect followed"
    (shown,) = store.ledger.subscriptions()
    assert (shown.failures, shown.secret) == (1, None)
    assert str(status) in shown.error
    receiver.status = 200
    store.edit("UPDATE ledger_subscription SET retry_at = 0")
    store.ledger.tick()
    assert _verbs(receiver) == ["run.started", "run.started", "run.finished"]
    assert [(s.failures, s.error) for s in store.ledger.subscriptions()] == [(0, "")]


def test_a_slow_receiver_does_not_hold_up_the_round(store: Store, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "_TURN_S", 0.0)
    store.ledger.subscribe("ops", "webhook", {"url": receiver.url}, ["run.*"])
    for number in range(3):
        store.act("run.started", f"run:r{number}")
    seen = []
    for _ in range(4):
        store.ledger.tick()
        seen.append(len(receiver.received))
    assert seen == [0, 1, 2, 3], "the subscription's own event is not wanted, and takes a turn"


def test_an_event_of_many_messages_goes_on_where_it_was_on_any_server(
    store: Store, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So it holds up nobody, ends within the lease, and no message is posted again and again."""
    monkeypatch.setattr(deliver, "_TURN_S", 0.0)
    other = Ledger(rows=store.rows, clock=store.clock, key_path=store.path / "ledger-key")
    other._delivery._around = store.ledger._around
    store.ledger.subscribe("ops", "mlflow", {"url": receiver.url, "events": "model_version_tag.set"}, ["model.*"])
    tags = {f"k{number}": "v" for number in range(4)}
    event = store.act("model.tagged", "model:late@1", data={"tags": tags | {"z": None}})
    store.act("model.tagged", "model:late@2", data={"tags": {"last": "v"}})
    store.ledger.tick()
    seen = []
    for number in range(7):
        (store.ledger, other)[number % 2].tick()
        seen.append(len(receiver.received))
        if number == 1:
            receiver.status = 503
        if number == 2:
            receiver.status = 200
            store.edit("UPDATE ledger_subscription SET retry_at = 0")
    assert seen == [1, 2, 3, 4, 5, 5, 6], "one a turn; the third is refused once, and posted again; what is not wanted is a turn"
    posted = [headers["X-MLflow-Delivery-Id"] for headers, _ in receiver.received]
    assert posted[:5] == [f"{event.id}-{number}" for number in (0, 1, 2, 2, 3)]
    assert [json.loads(body)["data"]["key"] for _, body in receiver.received] == ["k0", "k1", "k2", "k2", "k3", "last"]

    receiver.received.clear()
    store.act("model.tagged", "model:late@3", data={"tags": tags})
    store.ledger.tick()
    store.ledger.replay("ops", after=event.seq)
    monkeypatch.setattr(deliver, "_TURN_S", 5.0)
    store.ledger.tick()
    assert [json.loads(body)["data"]["key"] for _, body in receiver.received] == ["k0", "last", *tags], "again means as a whole"


def test_an_event_of_many_messages_sent_by_hand_ends_in_bounded_time(
    store: Store, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "_ATTEMPT_S", 0.0)
    store.ledger.subscribe("ops", "mlflow", {"url": receiver.url, "events": "model_version_tag.set"}, ["model.*"])
    event = store.act("model.tagged", "model:late@1", data={"tags": {"a": "1", "b": "2"}})
    tried = store.ledger.redeliver("ops", event.id)
    assert (tried.taken, len(receiver.received)) == (False, 1)
    assert "only the first 1 messages" in tried.error


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "[::ffff:10.0.0.1]", "10.1.2.3", "[2002:0a00:0001::1]", "[64:ff9b::a00:1]"])
def test_r100_private_addresses_need_the_operators_word(tmp_path: Path, receiver: Receiver, host: str) -> None:
    store = Store.open(tmp_path, OSTINATO_SINK_NETWORKS="10.9.0.0/16")
    with calling(Caller(actor="person:ana")):
        with pytest.raises(Denied, match="not a public address") as refused:
            store.ledger.subscribe("ops", "webhook", {"url": f"http://{host}:{receiver.server_port}/"}, ["run.*"])
        assert "OSTINATO_SINK_NETWORKS" in refused.value.hint
        assert store.ledger.subscriptions() == []
        with pytest.raises(Invalid, match="private"):
            store.ledger.subscribe("mine", "webhook", {"url": receiver.url, "private": True})
    store.rows.close()


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "[::ffff:169.254.169.254]", "[fe80::1]", "224.0.0.1", "0.0.0.0", "[64:ff9b::a9fe:a9fe]"]
)
def test_r100_addresses_of_the_link_are_refused_whatever_is_said(tmp_path: Path, host: str) -> None:
    store = Store.open(tmp_path, OSTINATO_SINK_NETWORKS="0.0.0.0/0,::/0")
    with calling(Caller(actor="person:ana")), pytest.raises(Denied, match="the link alone"):
        store.ledger.subscribe("ops", "webhook", {"url": f"http://{host}/latest/meta-data"})
    store.rows.close()


def test_r100_a_name_is_looked_up_once_and_the_address_that_was_checked_is_called(
    store: Store, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(["127.0.0.1", "127.0.0.1", "169.254.169.254", "10.0.0.1"])

    def rebinding(host: str, port: int, **_: object) -> list[Any]:
        assert host == "hooks.example.org"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    monkeypatch.setattr(web.socket, "getaddrinfo", rebinding)
    monkeypatch.setattr(web.socket, "create_connection", lambda place, timeout: _connected(place, timeout))
    store.ledger.subscribe("ops", "webhook", {"url": f"http://hooks.example.org:{receiver.server_port}/"}, ["run.*"])
    store.act("run.started", "run:r1")
    store.ledger.tick()
    assert _verbs(receiver) == ["run.started"]
    assert receiver.received[0][0]["Host"] == f"hooks.example.org:{receiver.server_port}"
    store.act("run.started", "run:r2")
    store.ledger.tick()
    assert len(receiver.received) == 1
    assert "the link alone" in store.ledger.subscriptions()[0].error, "what was allowed when it was subscribed is looked at each time"
    assert next(answers) == "10.0.0.1", "it was asked once when subscribing, and once for each event"


def _connected(place: tuple[str, int], timeout: float) -> socket.socket:
    line = socket.socket()
    line.settimeout(timeout)
    line.connect(place)
    return line


@pytest.mark.parametrize("text", ["10.0.0.0/33", "localhost", "10.0.0.1/8"])
def test_networks_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(Invalid, match="SINK_NETWORKS"):
        web.networks_of(text, "sink_networks")


def test_r100_an_answer_that_drips_is_cut_off(store: Store) -> None:
    def drip(listener: socket.socket) -> None:
        line, _ = listener.accept()
        with line, contextlib.suppress(OSError):
            for _ in range(100):
                line.sendall(b"H")
                time.sleep(0.05)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        store.ledger.subscribe("ops", "webhook", {"url": url, "timeout_s": 0.3})
        store.act("run.started", "run:r1")
        thread = threading.Thread(target=drip, args=(listener,))
        thread.start()
        began = time.monotonic()
        store.ledger.tick()
        assert time.monotonic() - began < 2.0
        thread.join()
    assert store.ledger.subscriptions()[0].failures == 1


@pytest.mark.parametrize("timeout_s", [0.0, 1e9, "3"])
def test_r100_a_receiver_has_bounded_time(store: Store, timeout_s: object) -> None:
    with pytest.raises(Invalid):
        store.ledger.subscribe("ops", "webhook", {"url": "https://example.org/", "timeout_s": timeout_s})


def test_a_dead_receiver_is_one_failure(store: Store) -> None:
    store.ledger.subscribe("ops", "webhook", {"url": "http://127.0.0.1:9/"})
    store.act("run.started", "run:r1")
    store.ledger.tick()
    assert store.ledger.subscriptions()[0].failures == 1


def test_the_pause_stays_bounded_however_long_a_receiver_is_dead(store: Store) -> None:
    store.ledger.subscribe("ops", "webhook", {"url": "http://127.0.0.1:9/"})
    store.edit("UPDATE ledger_subscription SET failures = 5000")
    store.ledger.tick()
    assert store.ledger.subscriptions()[0].failures == 5001


def test_a_file_gets_lines(store: Store) -> None:
    store.ledger.subscribe("archive", "file", {"name": "audit"})
    events = [store.act("run.started", f"run:r{n}") for n in range(3)]
    store.ledger.tick()
    lines = [json.loads(line) for line in (store.path / "sinks" / "default" / "audit.jsonl").read_text().splitlines()]
    assert [line["verb"] for line in lines] == ["ledger.subscribed"] + ["run.started"] * 3
    assert [line["id"] for line in lines[1:]] == [event.id for event in events]


def test_projects_have_files_of_their_own(store: Store) -> None:
    for project in ("default", "other"):
        with calling(Caller(actor="person:ana", project=project)):
            store.ledger.subscribe("archive", "file", {"name": "audit"}, ["run.*"])
            store.act("run.started", f"run:of.{project}")
    store.ledger.tick()
    for project in ("default", "other"):
        (line,) = (store.path / "sinks" / project / "audit.jsonl").read_text().splitlines()
        assert json.loads(line)["subject"] == f"run:of.{project}"


def test_a_line_that_a_crash_cut_short_spoils_no_other(store: Store) -> None:
    store.ledger.subscribe("archive", "file", verbs=["run.*"])
    store.act("run.started", "run:r1")
    file = store.path / "sinks" / "default" / "events.jsonl"
    file.parent.mkdir(parents=True)
    file.write_bytes(b'{"whole": 1}\n{"cut')
    store.ledger.tick()
    assert file.read_bytes().startswith(b'{"whole": 1}\n{"cut\n{')
    assert json.loads(file.read_bytes().splitlines()[-1])["verb"] == "run.started"


def test_subscriptions_are_made_once_and_end(store: Store) -> None:
    ledger = store.ledger
    first = ledger.subscribe("archive", "file")
    assert ledger.subscribe("archive", "file") == first
    with pytest.raises(Conflict):
        ledger.subscribe("archive", "file", {"name": "other"})
    with pytest.raises(NotFound, match="webhok"):
        ledger.subscribe("x", "webhok")
    with pytest.raises(Invalid):
        ledger.subscribe("x", "webhook", {"url": "ftp://x/"})
    with pytest.raises(Invalid):
        ledger.subscribe("x", "webhook", {"adress": "http://x/"})
    with pytest.raises(Invalid):
        ledger.subscribe("x", "file", {"name": "../x"})
    with pytest.raises(NotFound) as error:
        ledger.unsubscribe("archiv")
    assert "archive" in error.value.hint
    ledger.unsubscribe("archive")
    assert ledger.subscriptions() == []
    assert [e.verb for e in ledger.events().items] == ["ledger.subscribed", "ledger.unsubscribed"]


def test_every_sink_describes_itself() -> None:
    assert [member.name for member in SINKS.describe()] == ["email", "file", "mlflow", "openlineage", "slack", "webhook"]
    assert all(member.summary and member.parameters["properties"] for member in SINKS.describe())


def test_who_alters_at_once_loses_nothing(store: Store, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    store.ledger.subscribe("ops", "webhook", {"url": receiver.url}, ["model.*"])
    checked = store.ledger._checked

    def meanwhile(*asked: Any, **how: Any) -> Any:
        monkeypatch.setattr(store.ledger, "_checked", checked)
        store.ledger.alter("ops", {"timeout_s": 0.5}, ["run.*"])
        return checked(*asked, **how)

    monkeypatch.setattr(store.ledger, "_checked", meanwhile)
    made = store.ledger.alter("ops", {"url": receiver.url + "&b=2"})
    assert (made.parameters, made.verbs) == ({"url": receiver.url + "&b=2", "timeout_s": 0.5}, ["run.*"])
