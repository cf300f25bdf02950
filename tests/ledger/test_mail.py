"""Events as mail (to a real mail server), as chat messages, and as OpenLineage run events."""

from __future__ import annotations

import email
import json
import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from tests.ledger.conftest import Store
from tests.ledger.test_sinks import Receiver, receiver

from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import Invalid
from ostinato.kernel.event import Event
from ostinato.kernel.ref import Ref
from ostinato.ledger.sinks.openlineage import run_event
from ostinato.testing.processes import free_port

__all__ = ["receiver"]


class Mailbox:
    """Keeps what is mailed; refuses those named nobody."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:  # noqa: N802
        if address.startswith("nobody"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.envelopes.append(envelope)
        return "250 OK"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    box = Mailbox()
    port = free_port()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, port
    controller.stop()


def _posting(path: Path, url: str, sender: str = "ostinato@example.org") -> Store:
    return Store.open(path, OSTINATO_SMTP_URL=url, OSTINATO_MAIL_FROM=sender)


def test_r32_an_event_is_mailed(tmp_path: Path, mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox
    store = _posting(tmp_path, f"smtp://127.0.0.1:{port}")
    with calling(Caller(actor="person:ana")):
        store.ledger.subscribe("ops", "email", {"to": "ops@example.org, ben@example.org"}, ["*.commented"])
        said = store.ledger.comment(Ref("model", "late", "7"), "über alles:\r\nBcc: eve@example.org")
        store.ledger.tick()
    store.rows.close()
    (envelope,) = box.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("ostinato@example.org", ["ops@example.org", "ben@example.org"])
    assert isinstance(envelope.content, bytes)
    message = email.message_from_bytes(envelope.content, policy=email.policy.default)
    assert message["Subject"] == "[default] ana commented model:late@7: über alles: Bcc: eve@example.org"
    assert (message["Bcc"], message["Message-ID"]) == (None, f"<{said.id}@ostinato>")
    content = message.get_content()
    assert json.loads(content[content.index("{") :])["data"]["text"] == "über alles:\r\nBcc: eve@example.org"


def test_mail_that_is_not_taken_comes_again(tmp_path: Path, mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox
    for url, sender, to, problem in [
        (f"smtp://127.0.0.1:{port}", "ostinato@example.org", "ops@example.org,nobody@example.org", "refused nobody@example.org"),
        (f"smtp://127.0.0.1:{port}", "ostinato@example.org", "nobody@example.org", "did not take the mail"),
        (f"smtp://ana:secret@127.0.0.1:{port}", "ostinato@example.org", "ops@example.org", "STARTTLS"),
        ("smtp://127.0.0.1:9", "ostinato@example.org", "ops@example.org", "did not take the mail"),
        ("", "ostinato@example.org", "ops@example.org", "sends no mail"),
        (f"smtp://127.0.0.1:{port}", "", "ops@example.org", "sends no mail"),
    ]:
        store = _posting(tmp_path / uuid.uuid4().hex, url, sender)
        with calling(Caller(actor="person:ana")):
            store.ledger.subscribe("ops", "email", {"to": to}, ["run.*"])
            store.act("run.started", "run:r1")
            store.ledger.tick()
            (shown,) = store.ledger.subscriptions()
        store.rows.close()
        assert shown.failures == 1
        assert problem in shown.error
        assert "secret" not in shown.error
    assert len(box.envelopes) == 1, "who was not refused has it, and gets it again"


@pytest.mark.parametrize("to", ["", "ops", "ops@", "a@b\nc@d", "a@b,,c@d", "a b@c", "<a@b>", ",".join(["a@b"] * 51)])
def test_addresses_are_addresses(store: Store, to: str) -> None:
    with pytest.raises(Invalid):
        store.ledger.subscribe("ops", "email", {"to": to})


def test_a_chat_room_reads_a_sentence(store: Store, receiver: Receiver) -> None:
    store.ledger.subscribe("room", "slack", {"url": receiver.url}, ["model.*"])
    store.act("model.approved", "model:late@7", data={"reason": "AUC <b>0.7</b> & fine"})
    store.ledger.tick()
    ((_, body),) = receiver.received
    assert json.loads(body) == {"text": "ana approved model:late@7: AUC &lt;b&gt;0.7&lt;/b&gt; &amp; fine"}


# ---- OpenLineage


def check_run_event(told: dict[str, Any]) -> None:
    """The rules of OpenLineage.json 2-0-2 for a RunEvent, by hand: what is required, and the form of each."""
    assert {"eventTime", "producer", "schemaURL", "run", "job"} <= set(told)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", told["eventTime"])
    assert told["eventType"] in ("START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER")
    for uri in (told["producer"], told["schemaURL"]):
        assert re.match(r"[a-z][a-z0-9+.-]*:\S+$", uri)
    assert told["schemaURL"].endswith("/OpenLineage.json#/$defs/RunEvent")
    assert str(uuid.UUID(told["run"]["runId"])) == told["run"]["runId"]
    assert {"namespace", "name"} == set(told["job"])
    assert all(isinstance(told["job"][key], str) and told["job"][key] for key in ("namespace", "name"))
    facets = list(told["run"].get("facets", {}).values())
    for dataset in (*told.get("inputs", []), *told.get("outputs", [])):
        assert {"namespace", "name"} <= set(dataset) <= {"namespace", "name", "facets"}
        facets += dataset.get("facets", {}).values()
    for facet in facets:
        assert {"_producer", "_schemaURL"} <= set(facet)


def _event(verb: str, subject: str, inputs: str = "", outputs: str = "", **data: Any) -> Event:
    refs = {"inputs": tuple(map(Ref.parse, inputs.split())), "outputs": tuple(map(Ref.parse, outputs.split()))}
    at = datetime(2013, 5, 3, 14, tzinfo=UTC)
    return Event(id="E1", at=at, project="default", actor="person:ana", verb=verb, subject=Ref.parse(subject), data=data, **refs)


def test_an_execution_is_a_run_from_its_start_to_its_end() -> None:
    start, end, failed, cancelled = (
        run_event(_event(verb, "execution:X1", "dataset:flights@4", made, pipeline="train", **more), "ostinato:default")
        for verb, made, more in [
            ("execution.started", "", {}),
            ("execution.finished", "model:late@7 run:X1", {}),
            ("execution.failed", "", {"error": "no rows"}),
            ("execution.cancelled", "", {}),
        ]
    )
    for told in (start, end, failed, cancelled):
        assert told is not None
        check_run_event(told)
        assert told["job"] == {"namespace": "ostinato:default", "name": "train"}
        assert told["run"]["runId"] == start["run"]["runId"]  # type: ignore[index]
    assert [told["eventType"] for told in (start, end, failed, cancelled)] == ["START", "COMPLETE", "FAIL", "ABORT"]  # type: ignore[index]
    assert failed["run"]["facets"]["errorMessage"]["message"] == "no rows"  # type: ignore[index]
    (made,) = end["outputs"]  # type: ignore[index]
    assert (made["name"], made["facets"]["version"]["datasetVersion"]) == ("model:late", "7")


def test_a_delivery_is_a_job_that_is_done() -> None:
    told = run_event(_event("dataset.delivered", "dataset:flights", "source:jan.csv dataset:flights@3", "dataset:flights@4"), "n")
    assert told is not None
    check_run_event(told)
    assert (told["eventType"], told["job"]["name"]) == ("COMPLETE", "dataset.delivered/flights")
    assert [d["name"] for d in told["inputs"]] == ["source:jan.csv", "dataset:flights"]
    again = run_event(_event("dataset.delivered", "dataset:flights", "source:jan.csv dataset:flights@3", "dataset:flights@4"), "n")
    assert again == told, "a repeat is the same run"


@pytest.mark.parametrize("verb", ["model.commented", "execution.cancel_requested", "role.granted"])
def test_what_is_no_lineage_is_passed_over(verb: str) -> None:
    assert run_event(_event(verb, f"{verb.split('.')[0]}:x"), "n") is None


def test_a_catalog_gets_run_events(store: Store, receiver: Receiver) -> None:
    store.ledger.subscribe("catalog", "openlineage", {"url": receiver.url})
    store.act("model.commented", "model:late@7")
    store.act("dataset.delivered", "dataset:flights", ["source:jan.csv"], ["dataset:flights@1"])
    store.ledger.tick()
    ((headers, body),) = receiver.received
    assert headers["Content-Type"] == "application/json"
    check_run_event(json.loads(body))
    assert json.loads(body)["job"]["namespace"] == "ostinato:default"
    assert store.ledger.subscriptions()[0].failures == 0
