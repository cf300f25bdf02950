"""The bytes of an event as the ledger keeps and hashes them: never re-serialised, only decoded and compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ostinato.kernel.event import Event
from ostinato.kernel.instant import instant_of, micros_of
from ostinato.kernel.ref import Ref

_VERSION = 1


class Body(msgspec.Struct, array_like=True, frozen=True):
    """An event as it is stored: references as text, the instant in microseconds since 1970."""

    version: int
    id: str
    at_us: int
    actor: str
    verb: str
    subject: str
    inputs: list[str]
    outputs: list[str]
    project: str
    data: dict[str, Any]


_encoder = msgspec.msgpack.Encoder(order="sorted")
_decoder = msgspec.msgpack.Decoder(Body)


def plain(data: Mapping[str, Any] | None) -> dict[str, Any]:
    """`data` as JSON values, so that an event reads the same before and after it was stored; numbers that JSON lacks become None.

    >>> plain({"of": Ref("model", "late", "7"), "shares": (0.5, None, float("nan"))})
    {'of': 'model:late@7', 'shares': [0.5, None, None]}
    """
    result: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(dict(data or {}), enc_hook=_plain_one))
    return result


def _plain_one(value: Any) -> Any:
    if isinstance(value, Ref):
        return str(value)
    if hasattr(value, "item"):  # a numpy scalar
        return value.item()
    raise NotImplementedError


def encode(event: Event) -> bytes:
    """The body of `event`; its place in the ledger, `seq`, is no part of it."""
    refs = (str(event.subject), [str(r) for r in event.inputs], [str(r) for r in event.outputs])
    return _encoder.encode(Body(_VERSION, event.id, micros_of(event.at), event.actor, event.verb, *refs, event.project, dict(event.data)))


def read(body: bytes) -> Body:
    """What the bytes hold.

    Raises:
        ValueError: these bytes are no event.
    """
    return _decoder.decode(body)


def decode(body: bytes, seq: int) -> Event:
    """The event that `body` holds, at the position `seq`.

    Raises:
        ValueError: these bytes are no event.
    """
    found = read(body)
    return Event(
        id=found.id,
        at=instant_of(found.at_us),
        project=found.project,
        actor=found.actor,
        verb=found.verb,
        subject=Ref.parse(found.subject),
        inputs=tuple(Ref.parse(r) for r in found.inputs),
        outputs=tuple(Ref.parse(r) for r in found.outputs),
        data=found.data,
        seq=seq,
    )
