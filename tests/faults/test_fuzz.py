"""Whatever comes from outside: it is understood, or refused with an error of ours, and quickly."""

from __future__ import annotations

import contextlib
import json
import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ostinato.access import tokens
from ostinato.app import Ostinato
from ostinato.client.connection import error_from_reply
from ostinato.kernel.digest import digest_of
from ostinato.kernel.errors import OstinatoError
from ostinato.kernel.ref import Ref
from ostinato.kernel.settings import Settings
from ostinato.ledger.signing_key import SigningKey
from ostinato.maintenance.manifest import opened, sheet
from ostinato.pipelines.cron import Cron
from ostinato.registry.types import Field, Signature
from ostinato.server.wire import decode
from ostinato.serving.plane.protocol import read
from ostinato.tracking.types import MetricFrame

pytestmark = pytest.mark.timeout(300)
QUICK_S = 0.05
SIGNATURE = Signature(inputs=[Field(name="distance"), Field(name="carrier", dtype="string", categories=["AA"])])
SEAL = SigningKey(bytes(32))
NOTE = SEAL.sign(3, bytes(32))
TENSORS = {
    "inputs": [
        {"name": "distance", "shape": [1], "datatype": "FP64", "data": [1.0]},
        {"name": "carrier", "shape": [1], "datatype": "BYTES", "data": ["AA"]},
    ]
}


def cron(text: str) -> Any:
    return list(islice(Cron(text, "Europe/Rome").after(datetime(2013, 5, 3, tzinfo=UTC)), 3))


class OneObject:
    """A place of backups with the same bytes under every name."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def get(self, name: str) -> Iterator[bytes]:
        yield self._content


def manifest(text: str) -> Any:
    """A manifest of that content whose digest fits, as one who may write there could make it."""
    content = text.encode("utf-8", "replace")
    with contextlib.suppress(ValueError, TypeError):
        content = json.dumps((found := json.loads(text)) | {"digest": digest_of(found), "signature": ""}).encode()
    place: Any = OneObject(content)
    return opened("backup", sheet(place, "backup"), None)


TEXTS: dict[str, tuple[Callable[[str], Any], list[str]]] = {
    "ref": (Ref.parse, ["model:late@7", "dataset:a/b=c@champion", "run:01JH0000000000000000000001"]),
    "token": (tokens.parse, [tokens.mint("service"), tokens.mint("person")]),
    "setting": (lambda text: Settings.read("x", {"OSTINATO_LEASE_S": text, "OSTINATO_WORKERS": text}), ["15", "-1", "1e3"]),
    "cron": (cron, ["*/5 * * * *", "0 0 29 2 *", "1-7/2,9 L * JAN-MAR MON#2", "0 2 31 * *"]),
    "zone": (lambda text: Cron("0 2 * * *", text), ["Europe/Rome", "../../etc/passwd", "UTC"]),
    "checkpoint": (SEAL.public.check, [NOTE]),
    "manifest": (manifest, [json.dumps({"format": 2, "origin": "o", "objects": [], "to": [], "backup": {"files": [], "blobs": {}}})]),
    "reply": (lambda text: error_from_reply(409, text.encode()), ['{"error": {"type": "Conflict", "message": "m", "hint": "h"}}']),
}
BYTES: dict[str, tuple[Callable[[bytes], Any], list[bytes]]] = {
    "json": (lambda content: decode(content), [b'{"a": [1, 2.5, null, "x"]}', b"[" * 50]),
    "msgpack": (lambda content: decode(content, "application/msgpack"), [b"\x81\xa1a\x93\x01\x02\x03"]),
    "tensors": (lambda content: read(content, None, SIGNATURE), [json.dumps(TENSORS).encode()]),
    "binary tensors": (lambda content: read(content, "60", SIGNATURE), [json.dumps(TENSORS).encode() + bytes(16)]),
}


def near(samples: list[Any], anything: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Anything, and what is one or a few mistakes away from something good."""

    @st.composite
    def mistaken(draw: st.DrawFn) -> Any:
        text = draw(st.sampled_from(samples))
        for _ in range(draw(st.integers(0, 3))):
            start = draw(st.integers(0, len(text)))
            end = draw(st.integers(start, min(len(text), start + 8)))
            text = text[:start] + draw(anything) * draw(st.sampled_from([1, 1, 1, 1, 300])) + text[end:]
        return text

    return anything | mistaken()


def understood_or_refused(ask: Callable[[Any], Any], given_: Any) -> None:
    for attempt in range(3):
        began = time.thread_time()
        try:
            ask(given_)
        except OstinatoError as error:
            told = str(error)
            assert told
        if (took_s := time.thread_time() - began) < QUICK_S:
            return
        assert attempt < 2, f"{took_s:.3f} s for {given_!r:.200}"  # the first time modules are imported


def profile(scale: float) -> settings:
    return settings(max_examples=round(150 * scale), deadline=None, suppress_health_check=list(HealthCheck), database=None)


@pytest.mark.parametrize("kind", TEXTS)
def test_texts(kind: str, scale: float) -> None:
    ask, samples = TEXTS[kind]
    anything = st.text(max_size=40) | st.text("0123456789*/-,:@. \n\x00LW#?", max_size=12)
    profile(scale)(given(near(samples, anything))(lambda text: understood_or_refused(ask, text)))()


@pytest.mark.parametrize("kind", BYTES)
def test_bytes(kind: str, scale: float) -> None:
    ask, samples = BYTES[kind]
    profile(scale)(given(near(samples, st.binary(max_size=40)))(lambda content: understood_or_refused(ask, content)))()


def test_frames(app: Ostinato, scale: float) -> None:
    """A frame of points is kept as it is, or refused whole."""
    app.runs.start("flights", id="r1")
    columns = st.binary(max_size=40) | st.integers(0, 3).map(lambda n: bytes(8 * n))
    keys = st.lists(st.sampled_from(["loss", "auc"]) | st.text(max_size=5), max_size=3)
    frames = st.builds(MetricFrame, keys=keys, key=columns, steps=columns, times_us=columns, values=columns)
    taken = 0

    def log(frame: MetricFrame) -> None:
        nonlocal taken
        before = {key: metric.n for key, metric in app.runs.metrics("r1").items()}
        try:
            app.runs.log("r1", "client", taken, frame)
            taken += 1
        except OstinatoError:
            assert {key: metric.n for key, metric in app.runs.metrics("r1").items()} == before
        for key in app.runs.metrics("r1"):
            app.runs.curve("r1", key)

    profile(scale)(given(frames)(log))()


def test_cursors_and_names_over_the_store(app: Ostinato, scale: float, chance: random.Random) -> None:
    asks: list[Callable[[str], Any]] = [
        lambda text: app.ledger.events(after=text), lambda text: app.runs.search(after=text), lambda text: app.pipelines.search(after=text),
        lambda text: app.runs.search(order_by=text), app.runs.get, app.models.resolve, app.datasets.get, app.pipelines.get,
        app.access.authenticate, app.blobs.open, lambda text: app.ledger.verify(head=text),
    ]  # fmt: skip
    samples = ["01JH0000000000000000000001", "metrics.loss", "-started_at", "2013-01-01T00:00:00+00:00|x", "17", "late@champion", NOTE]

    def ask(text: str) -> None:
        understood_or_refused(chance.choice(asks), text)

    profile(4 * scale)(given(near(samples, st.text(max_size=30)))(ask))()
