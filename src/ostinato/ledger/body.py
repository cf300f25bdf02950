"""The stored bytes of an event: hashed and kept as first written, decoded and compared, never serialized again."""

from __future__ import annotations

import hmac
import os
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from ostinato.kernel.errors import Corrupt, Invalid
from ostinato.kernel.event import Event
from ostinato.kernel.instant import instant_of
from ostinato.kernel.ref import Ref


class Commitment(msgspec.Struct, array_like=True, frozen=True):
    """What the body holds of a personal value: whom it is of, and HMAC-SHA-256(salt, value), which tells nothing once the salt is gone."""

    person: str
    digest: bytes


class Body(msgspec.Struct, array_like=True, frozen=True):
    """An event as it is stored: references as text, the instant in microseconds since 1970."""

    version: Literal[1]
    id: str
    at_us: int
    actor: str
    verb: str
    subject: str
    inputs: list[str]
    outputs: list[str]
    project: str
    data: dict[str, Any]
    private: dict[str, Commitment]


class Outline(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A body whose data were passed over: all that the columns and references are made of."""

    version: Literal[1]
    id: str
    at_us: int
    actor: str
    verb: str
    subject: str
    inputs: list[str]
    outputs: list[str]
    project: str
    data: msgspec.Raw
    private: dict[str, Commitment]


_encode = msgspec.msgpack.Encoder(order="sorted").encode
read = msgspec.msgpack.Decoder(Body).decode
"""The body that the bytes hold; raises ValueError if they are no event, or one of a form that this Ostinato does not know."""
outline = msgspec.msgpack.Decoder(Outline).decode
"""The outline that the bytes hold; raises ValueError as `read` does."""

_to_json = msgspec.json.Encoder(enc_hook=lambda value: _plain_one(value)).encode
_from_json = msgspec.json.Decoder().decode


def plain(data: Mapping[str, Any] | None) -> dict[str, Any]:
    """`data` as JSON values, so that an event reads the same before and after it was stored; numbers that JSON lacks become None.

    Raises:
        Invalid: something in it is no JSON value.

    >>> plain({"of": Ref("model", "late", "7"), "shares": (0.5, None, float("nan"))})
    {'of': 'model:late@7', 'shares': [0.5, None, None]}
    """
    if not data:
        return {}
    try:
        result: dict[str, Any] = _from_json(_to_json(data if isinstance(data, dict) else dict(data)))
    except (TypeError, ValueError, NotImplementedError, RecursionError) as error:
        raise Invalid(f"the data of an event must be JSON values: {error}", field="data") from error
    return result


def _plain_one(value: Any) -> Any:
    if isinstance(value, Ref):
        return str(value)
    if hasattr(value, "item"):  # a numpy scalar
        return value.item()
    raise NotImplementedError(f"{type(value).__name__} is none")


def pack(body: Body) -> bytes:
    """The bytes of `body`.

    Raises:
        Invalid: a number in it is larger than 64 bits.
    """
    try:
        return _encode(body)
    except (OverflowError, UnicodeEncodeError) as error:
        raise Invalid(f"an event cannot hold this: {error}", field="data") from error


def event_of(body: Body, seq: int, values: Mapping[str, bytes]) -> Event:
    """The event at the position `seq`, with those of its personal values that are still there.

    Raises:
        ValueError: a reference in it is none.
        Corrupt: a personal value is damaged.
    """
    data = body.data
    if body.private:
        data = data | {field: _value_of(values[field], seq) if field in values else None for field in body.private}
    return Event(
        id=body.id,
        at=instant_of(body.at_us),
        project=body.project,
        actor=body.actor,
        verb=body.verb,
        subject=Ref.parse(body.subject),
        inputs=tuple(Ref.parse(r) for r in body.inputs),
        outputs=tuple(Ref.parse(r) for r in body.outputs),
        data=data,
        seq=seq,
        erased=tuple(field for field in body.private if field not in values),
    )


# ---- personal values


def _value_of(stored: bytes, seq: int) -> Any:
    try:
        return _from_json(stored)
    except (msgspec.DecodeError, UnicodeDecodeError, TypeError) as error:
        raise Corrupt(f"a personal value of event {seq} is damaged", hint="ostinato ledger verify says more; restore a backup") from error


class Private(msgspec.Struct, frozen=True):
    """A personal value beside the ledger: with the salt it proves the commitment, without it nothing does."""

    field: str
    person: str
    salt: bytes
    value: bytes

    def commitment(self) -> Commitment:
        """What stands for it in the body."""
        return Commitment(self.person, hmac.digest(self.salt, self.value, "sha256"))


def private_of(person: str, values: Mapping[str, Any]) -> list[Private]:
    """Each of the values under a salt of its own."""
    return [Private(field, person, os.urandom(32), _to_json(value)) for field, value in plain(values).items()]
