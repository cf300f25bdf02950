"""Bodies, decoded: what is of another type is refused where it begins, whatever its size."""

from __future__ import annotations

import tracemalloc

import msgspec
import pytest

from ostinato.kernel.errors import Invalid
from ostinato.kernel.signature import signature_of
from ostinato.server.wire import JSON, MSGPACK, from_body
from ostinato.tracking import api

START = signature_of(next(op for op in api.OPS if op.name == "start")).at("body")
LISTS = 2_000_000
EMPTY = b"[[]" + b",[]" * LISTS + b"]"


@pytest.mark.parametrize(
    ("content", "kind", "field"),
    [
        (b'{"experiment":"m","params":{"a":' + EMPTY + b"}}", JSON, "$.params"),
        (b'{"experiment":' + EMPTY + b"}", JSON, "$.experiment"),
        (b'{"nobody":' + EMPTY + b"}", JSON, "$.nobody"),
        (EMPTY, JSON, "$"),
        (b"\x81\xaaexperiment\xdd" + LISTS.to_bytes(4, "big") + b"\x90" * LISTS, MSGPACK, "$.experiment"),
        (b'{"experiment":' + b"[" * LISTS, JSON, "$"),
    ],
)
def test_a_large_body_of_another_type_is_refused_before_it_takes_memory(content: bytes, kind: str, field: str) -> None:
    tracemalloc.start()
    with pytest.raises(Invalid) as caught:
        from_body(START, content, kind)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert caught.value.field.startswith(field)
    assert most < 4 << 20


@pytest.mark.parametrize("kind", [JSON, MSGPACK])
def test_a_large_body_that_fits_is_read_as_a_small_one(kind: str) -> None:
    given = {"experiment": "e", "started_at": "2013-01-01", "tags": {f"tag {n}": "x" * 1000 for n in range(1100)}, "parent": None}
    content = msgspec.msgpack.encode(given) if kind == MSGPACK else msgspec.json.encode(given)
    found = from_body(START, content, kind)
    assert len(content) > 1 << 20
    assert found["tags"] == given["tags"]
    assert found["started_at"].year == 2013
