"""What a request over OTLP may hold, whatever sends it."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from ostinato.app import Ostinato
from ostinato.gateways.otlp import bounds
from ostinato.gateways.otlp.protobuf import message
from ostinato.gateways.otlp.request import Batch, of_json, of_protobuf
from ostinato.kernel.errors import Invalid, TooLarge
from ostinato.traces import intake

PROTOBUF = {"content-type": "application/x-protobuf"}


def span(trace: int, id: int = 1, *more: tuple[int, int | bytes]) -> bytes:
    """A span."""
    return message((1, trace.to_bytes(16, "big")), (2, id.to_bytes(8, "big")), (5, b"x"), *more)


def attribute(key: str, value: str) -> bytes:
    """An attribute that is a text."""
    return message((1, key.encode()), (2, message((1, value.encode()))))


def sent(*spans: bytes, **resource: str) -> bytes:
    """The spans of a resource."""
    said = message(*((1, attribute(key.replace("_", "."), value)) for key, value in resource.items()))
    return message((1, message((1, said), (2, message(*((2, one) for one in spans))))))


def in_json(inner: str, count: int) -> bytes:
    """Many empty objects somewhere in a request in JSON."""
    return inner.replace("@", ",".join(["{}"] * count)).encode()


Read = Callable[[bytes], list[Batch]]
MANY = 20_000
FLOODS: list[tuple[Read, bytes]] = [
    (of_protobuf, sent(*[b""] * MANY)), (of_protobuf, message((1, message(*[(2, b"")] * MANY)))),
    (of_protobuf, message(*[(1, b"")] * MANY)), (of_protobuf, sent(message(*[(11, b"")] * MANY))),
    (of_protobuf, sent(message(*[(13, b"")] * MANY))), (of_protobuf, sent(message(*[(9, b"")] * (12 * MANY)))),
    (of_json, in_json('{"resourceSpans":[{"scopeSpans":[{"spans":[@]}]}]}', MANY)),
    (of_json, in_json('{"resourceSpans":[{"scopeSpans":[{"spans":[@]}]}]}', 12 * MANY)),
    (of_json, in_json('{"resourceSpans":[{"scopeSpans":[{"spans":[{"events":[@]}]}]}]}', MANY)),
]  # fmt: skip


@pytest.mark.parametrize(("read", "body"), FLOODS)
def test_a_flood_is_refused_before_it_fills_the_memory(read: Read, body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "PARTS_MAX", 200_000)
    monkeypatch.setattr("ostinato.traces.intake.SPANS_MAX", 500)
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            read(body)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_spans_are_counted_over_all_resources(http: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ostinato.traces.intake.SPANS_MAX", 3)
    two = b"".join(sent(span(1, n), service_name=f"s{n}") for n in (1, 2, 3, 4))
    answer = http.post("/v1/traces", content=two, headers=PROTOBUF)
    assert answer.status_code == 413
    assert b"more than 3 spans" in answer.content


def test_a_request_makes_so_many_experiments_and_no_more(http: httpx.Client, store: Ostinato) -> None:
    many = b"".join(sent(span(n), service_name=f"flood {n}") for n in range(1, bounds.RESOURCES_MAX + 2))
    assert http.post("/v1/traces", content=many, headers=PROTOBUF).status_code == 413
    assert not [found for found in store.runs.experiments() if found.name.startswith("flood")], "all of it is refused"


def test_a_resource_that_comes_again_and_again_is_one(http: httpx.Client, store: Ostinato) -> None:
    body = b"".join(sent(span(77, n), service_name="shop") for n in range(1, 2 * bounds.RESOURCES_MAX))
    (batch,) = of_protobuf(body)
    assert http.post("/v1/traces", content=body, headers=PROTOBUF).status_code == 200
    assert store.traces.get(f"tr-{77:032x}").spans == len(batch.spans) == 2 * bounds.RESOURCES_MAX - 1


def test_the_labels_of_a_trace_are_bounded_over_all_requests(http: httpx.Client, store: Ostinato) -> None:
    for n in range(6):
        resource = {f"k{n}_{m}": "x" for m in range(50)}
        assert (
            http.post("/v1/traces", content=sent(span(88, n + 1), service_name="labels", **resource), headers=PROTOBUF).status_code == 200
        )
    found = store.traces.get(f"tr-{88:032x}")
    assert (len(found.metadata), found.spans, "k0.1" in found.metadata) == (200, 6, True)


@pytest.mark.parametrize("wrong", [(4, b"abc"), (4, b""), (4, b"\0" * 9)])
def test_a_number_of_another_width_is_refused(http: httpx.Client, wrong: tuple[int, Any]) -> None:
    value = message((1, b"k"), (2, message(wrong)))
    for body in (sent(span(1, 1, (9, value))), sent(span(1, 1, (7, b"\xff" * 3_000)))):
        assert http.post("/v1/traces", content=body, headers=PROTOBUF).status_code == 400
        with pytest.raises(Invalid, match="8 bytes"):
            of_protobuf(body)


def test_an_ordinary_batch_of_a_collector_is_well_within(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (bounds.PARTS_MAX, intake.SPANS_MAX) == (4_000_000, 10_000)
    monkeypatch.setattr(bounds, "PARTS_MAX", 40_000)
    monkeypatch.setattr(intake, "SPANS_MAX", 100)
    pairs = [(9, attribute(f"attribute.{n}", "some text")) for n in range(50)]
    (batch,) = of_protobuf(sent(*(span(1, n, *pairs) for n in range(1, 11))) * 10)
    assert len(batch.spans) == 100
    told = {"traceId": "ab" * 16, "spanId": "cd" * 8, "attributes": [{"key": f"a{n}", "value": {"stringValue": "x"}} for n in range(50)]}
    (batch,) = of_json(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [told] * 100}]}]}).encode())
    assert len(batch.spans) == 100
