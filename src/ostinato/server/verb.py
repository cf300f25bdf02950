"""One Op as an ASGI endpoint: authorize, decode, call, encode. Every request comes through here, so it does nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from sqlalchemy.exc import StatementError
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import Invalid, TooLarge
from ostinato.kernel.notice import HEADER as NOTICE
from ostinato.kernel.notice import collect_notices, to_header
from ostinato.kernel.operation import Op
from ostinato.kernel.signature import Parameter, signature_of
from ostinato.server.authorization import Authorizer
from ostinato.server.browser import browser_request
from ostinato.server.errors import Unsupported
from ostinato.server.thread_pool import ThreadPools
from ostinato.server.wire import JSON, MSGPACK, encode_as, from_body, from_texts
from ostinato.serving.plane.encoding import LEAST, UNPACKED, compressed, decompressed, negotiate

_SMALL = 64 * 1024
"""A body that announces no more is read before it is known who sends it: one hand-over to a thread is saved."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply."""

    status: int
    headers: list[tuple[bytes, bytes]]
    content: bytes


class Verb:
    """A verb of a service, behind its permission."""

    def __init__(self, op: Op, service: object, gate: Authorizer, pools: ThreadPools, limit: int) -> None:
        self.op = op
        self._what = f"{op.method} {op.path}"
        self._call = getattr(service, op.name)
        self._gate = gate
        self._pools = pools
        self._limit = limit

    @cached_property
    def _places(self) -> dict[str, tuple[Parameter, ...]]:
        """The parameters by where they travel, read from the annotations when the verb is first asked for."""
        signature = signature_of(self.op)
        return {place: signature.at(place) for place in ("path", "query", "body", "raw")}

    @cached_property
    def _patient(self) -> bool:
        return any(p.name == "timeout_s" for found in self._places.values() for p in found)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = browser_request().headers
        announced = _announced(headers, self._limit)
        if announced is not None and announced <= _SMALL:
            content = await _body(receive, self._limit) if announced else b""
            reply = await self._pools.run(self._admit_and_answer, scope, headers, content, patient=self._patient)
        else:
            await self._pools.run(self._admit, scope, headers)
            content = await _body(receive, self._limit)
            reply = await self._pools.run(self._answer, scope, headers, content, patient=self._patient)
        await send({"type": "http.response.start", "status": reply.status, "headers": reply.headers})
        await send({"type": "http.response.body", "body": reply.content})

    def _admit_and_answer(self, scope: Scope, headers: Mapping[str, str], content: bytes) -> Reply:
        self._admit(scope, headers)
        return self._answer(scope, headers, content)

    def _admit(self, scope: Scope, headers: Mapping[str, str]) -> None:
        scope["ostinato.caller"] = self._gate.admit(headers, self.op.needs, self._what)

    def _answer(self, scope: Scope, headers: Mapping[str, str], content: bytes) -> Reply:
        who: Caller = scope["ostinato.caller"]
        if encoding := _encoding(headers):
            content = decompressed(content, encoding, self._limit)
        arguments = self._arguments(scope, headers, content)
        try:
            with calling(who), collect_notices() as told:
                result = self._call(**arguments)
        except (OverflowError, StatementError) as error:
            if isinstance(getattr(error, "orig", error), OverflowError):
                raise Invalid(
                    "a number or an instant is beyond what can be kept", hint="numbers have 64 bits; years are 1 to 9999"
                ) from error
            raise
        if isinstance(result, bytes):
            raw = [(b"content-type", b"application/octet-stream"), (b"content-disposition", b"attachment"), _length(result)]
            reply = Reply(self.op.status, raw, result)
        else:
            content, kind = encode_as(result, MSGPACK if MSGPACK in headers.get("accept", "") else JSON)
            reply = _compressed_reply(self.op.status, kind, content, headers.get("accept-encoding", ""))
        if told:
            reply.headers.append((NOTICE.lower().encode(), to_header(told).encode()))
        return reply

    def _arguments(self, scope: Scope, headers: Mapping[str, str], content: bytes) -> dict[str, Any]:
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True) if scope["query_string"] else []
        found = from_texts(self._places["path"], list(scope["path_params"].items())) | from_texts(self._places["query"], query)
        if raw := self._places["raw"]:
            return found | {raw[0].name: content}
        kind = headers.get("content-type", JSON).partition(";")[0].strip().lower()
        if content and kind not in (JSON, MSGPACK):
            raise Unsupported(f"a body of type {kind[:100]} is not understood", hint=f"send {JSON} or {MSGPACK}", field="content-type")
        return found | from_body(self._places["body"], content, kind)


def _announced(headers: Mapping[str, str], limit: int) -> int | None:
    """The announced number of bytes of the body; None if there is none.

    Raises:
        TooLarge: more than `limit`.
        Unsupported: they are packed in a way that is not read.
    """
    _encoding(headers)
    length = headers.get("content-length")
    if length is None:
        return None if "transfer-encoding" in headers else 0
    if int(length) > limit:
        raise _too_large(limit)
    return int(length)


def _encoding(headers: Mapping[str, str]) -> str:
    given = headers.get("content-encoding", "").strip().lower()
    if given not in ("", "identity", *UNPACKED):
        hint = f"send it as it is, or by one of {', '.join(UNPACKED)}"
        raise Unsupported(f"bodies packed by {given[:100]} are not read", hint=hint, field="content-encoding")
    return given if given in UNPACKED else ""


async def _body(receive: Receive, limit: int) -> bytes:
    """The body, counted while it arrives.

    Raises:
        TooLarge: more than `limit` bytes arrive.
        ClientDisconnect: it does not arrive whole.
    """
    chunks, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > limit:
            raise _too_large(limit)
        more = message.get("more_body", False)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _compressed_reply(status: int, kind: str, content: bytes, accepts: str) -> Reply:
    """The content as a reply, packed where the client likes that and it pays."""
    headers = [(b"content-type", kind.encode())]
    if accepts and len(content) >= LEAST and (encoding := negotiate(accepts)):
        content = compressed(content, encoding)
        headers += [(b"content-encoding", encoding.encode()), (b"vary", b"accept-encoding")]
    return Reply(status, [*headers, _length(content)], content)


def _length(content: bytes) -> tuple[bytes, bytes]:
    return b"content-length", b"%d" % len(content)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body is larger than {limit >> 20} MiB", hint="send it in parts, or raise OSTINATO_BODY_LIMIT_MB on the server")
