"""Remote: the store of a server, with the same faces, verbs and types as in process."""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import ModuleType, TracebackType
from typing import Any, Unpack
from urllib.parse import quote, urlencode

import msgspec

from ostinato.client import multipart
from ostinato.client.connection import PATIENCE_S, Connection
from ostinato.client.faces import FACES
from ostinato.kernel.errors import Invalid, OstinatoError
from ostinato.kernel.operation import Op
from ostinato.kernel.signature import Parameter, fill, from_wire, placeholders, signature_of, to_wire
from ostinato.tracking.logger import Logger, Options

_SLICES = {name: module for name, module, _ in FACES}
_MSGPACK = "application/msgpack"
_ROOT = "/api/v1"
_FIRST_S = 5.0
_HASTE_S = 2.0
"""So long a training waits when it begins; later its sender tries again by itself."""


def connect(url: str, token: str, project: str = "default", *, patience_s: float | None = None, ca_file: str = "") -> Remote:
    """The store that the server at `url` holds.

    A server that does not answer at all is given up after 5 s; later, a call is repeated for 30 s. `patience_s` is said for both.
    `ca_file` holds the certificates to trust, beside those of the system.

    Raises:
        Unauthenticated: the server does not know the token.
        Unavailable: nothing answered in time.
    """
    link = Connection(url, token, project, PATIENCE_S if patience_s is None else patience_s, ca_file)
    link.call("GET", f"{_ROOT}/clock", patience_s=_FIRST_S if patience_s is None else patience_s)
    return Remote(link)


class Remote:
    """A connected store: one face per slice, as attributes, each made when it is first asked for. Thread-safe."""

    def __init__(self, link: Connection, slices: Sequence[ModuleType] = ()) -> None:
        self._link = link
        self.clock = RemoteClock(link)
        for module in slices:
            setattr(self, module.NAME, Face(link, module.NAME, module.OPS))

    @functools.cached_property
    def logging(self) -> Face:
        """The face of runs for those who log to one: it gives up soon, because a run's journal waits for the server anyway."""
        return _face(self._link.with_patience(_HASTE_S), "runs")

    def __getattr__(self, name: str) -> Face:
        if name not in _SLICES:
            raise AttributeError(f"a server has no {name!r}: it is there only where the store is opened in process")
        face = self.__dict__[name] = _face(self._link, name)
        return face

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *_SLICES]

    def __repr__(self) -> str:
        return f"<Ostinato at {self._link.url}, project {self._link.project}>"

    def run(
        self, experiment: str, name: str = "", *, params: Mapping[str, Any] | None = None, tags: Mapping[str, str] | None = None,
        **how: Unpack[Options],
    ) -> Logger:  # fmt: skip
        """A run to log to, as a context manager: `with app.run("flights") as run: run.log(auc=0.7, step=1)`."""
        target = {"url": self._link.url, "project": self._link.project}
        return Logger.start(self.logging, experiment, name, params=params, tags=tags, target=target, **how)

    def close(self) -> None:
        """Close the connections."""
        self._link.close()

    def __enter__(self) -> Remote:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class Face:
    """The verbs of one slice, as functions that ask the server."""

    def __init__(self, link: Connection, name: str, ops: Sequence[Op]) -> None:
        self._name = name
        for op in ops:
            setattr(self, op.name, _verb(link, op))
        for op in ops:
            if sent := self.__dict__.get(f"{op.name}_sent"):
                setattr(self, op.name, multipart.upload_in_parts(getattr(self, op.name), signature_of(op).at("raw")[0].name, sent, self))
        if "artifacts" in self.__dict__:
            self.artifact = multipart.download_in_parts(self.__dict__["artifact"], self)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        raise AttributeError(f"{self._name}.{name} does not travel: it is there only where the store is opened in process")

    def __repr__(self) -> str:
        return f"<{self._name} of a server>"


def _face(link: Connection, name: str) -> Face:
    return Face(link, name, importlib.import_module(_SLICES[name]).OPS)


class RemoteClock:
    """The clock of the server."""

    def __init__(self, link: Connection) -> None:
        self._link = link

    def now(self) -> datetime:
        """What time it is there."""
        told = msgspec.msgpack.decode(self._link.call("GET", f"{_ROOT}/clock").content)
        return told["now"]  # type: ignore[no-any-return]

    def set(self, instant: datetime) -> None:
        """Move the server's replay clock forward; needs the permission `clock:set`."""
        self._link.call("PUT", f"{_ROOT}/clock", msgspec.msgpack.encode({"now": instant}), _MSGPACK)


def _verb(link: Connection, op: Op) -> Callable[..., Any]:
    signature = signature_of(op)
    shape = inspect.signature(op.verb)
    parameters = list(shape.parameters.values())[1:]
    shape = shape.replace(parameters=parameters)
    converters = dict(placeholders(op.path))

    @functools.wraps(op.verb)
    def ask(*given: Any, **named: Any) -> Any:
        values = shape.bind(*given, **named).arguments
        parts = {
            p.name: quote(_text(p, values[p.name]), safe="/:@" if converters[p.name] == "path" else ":@") for p in signature.at("path")
        }
        query = [pair for p in signature.at("query") if p.name in values for pair in _pairs(p, values[p.name])]
        target = _ROOT + fill(op.path, parts) + ("?" + urlencode(query) if query else "")
        content, kind = None, ""
        if raw := signature.at("raw"):
            content, kind = bytes(values[raw[0].name]), "application/octet-stream"
        elif body := signature.at("body"):
            content, kind = _encode({p.name: values[p.name] for p in body if p.name in values})
        reply = link.call(op.method, target, content, kind)
        return reply.content if signature.returns is bytes else _decode(reply.content, reply.kind, signature.returns)

    ask.__signature__ = shape  # type: ignore[attr-defined]
    return ask


def _encode(values: dict[str, Any]) -> tuple[bytes, str]:
    try:
        return msgspec.msgpack.encode(values, enc_hook=to_wire), _MSGPACK
    except OverflowError:  # a whole number of more than 64 bits
        return msgspec.json.encode(values, enc_hook=to_wire), "application/json"
    except (TypeError, NotImplementedError) as error:
        raise Invalid(f"an argument does not travel: {error}", hint="pass plain values, or the dataclasses that the verb names") from None


def _decode(content: bytes, kind: str, annotation: Any) -> Any:
    decode = msgspec.msgpack.decode if kind.startswith(_MSGPACK) else msgspec.json.decode
    try:
        return decode(content, type=annotation, dec_hook=from_wire)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        hint = "is this the address of an Ostinato server, and of the version of this client?"
        raise OstinatoError(f"the answer is not as an Ostinato server gives it: {error}", hint=hint) from None


def _pairs(p: Parameter, value: Any) -> list[tuple[str, str]]:
    """A parameter of the query: texts, one per item of a list of scalars; JSON for what is more. None is the absence of it."""
    if value is None:
        return []
    if p.repeated:
        return [(p.name, _text(p, item)) for item in value]
    return [(p.name, _text(p, value) if p.scalar else msgspec.json.encode(value, enc_hook=to_wire).decode())]


def _text(p: Parameter, value: Any) -> str:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise Invalid("an instant needs a time zone", hint="datetime(..., tzinfo=UTC)", field=p.name)
        return value.isoformat()
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if p.place == "path" and not text:
        raise Invalid(f"{p.name} is empty", field=p.name)
    return text
