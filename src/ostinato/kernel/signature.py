"""Signature: parameters and result of an Op, read from the verb's annotations; shared by server, client, OpenAPI and CLI."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from ostinato.kernel.errors import Invalid
from ostinato.kernel.operation import Op
from ostinato.kernel.ref import Ref

_PLACEHOLDER = re.compile(r"\{(\w+)(?::(\w+))?\}")
_SCALARS = (str, int, float, bool, datetime, Ref, type(None))


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a verb. `place` says where it travels; `default` is `inspect.Parameter.empty` if it must be given."""

    name: str
    annotation: Any
    place: Literal["path", "query", "body", "raw"]
    default: Any

    @property
    def required(self) -> bool:
        """Whether a caller must give it."""
        return self.default is inspect.Parameter.empty

    @property
    def scalar(self) -> bool:
        """Whether it travels as plain text in a query; other types are JSON there."""
        return is_scalar(self.annotation)

    @property
    def repeated(self) -> bool:
        """Whether it is a list of scalars, optional or not: in a query its key is repeated."""
        options = [a for a in _options(self.annotation) if a is not type(None)]
        return len(options) == 1 and get_origin(options[0]) is list and all(map(is_scalar, get_args(options[0])))


@dataclass(frozen=True, slots=True)
class Signature:
    """The parameters of a verb, in order, and the annotation of its reply.

    >>> def approve(self, model: str, version: int, reason: str = "") -> None: ...
    >>> signature = signature_of(Op("POST", "/models/{model}/versions/{version:int}/approve", approve, "model:approve"))
    >>> [(p.name, p.place) for p in signature.parameters]
    [('model', 'path'), ('version', 'path'), ('reason', 'body')]
    """

    parameters: tuple[Parameter, ...]
    returns: Any

    def at(self, place: str) -> tuple[Parameter, ...]:
        """The parameters that travel at `place`."""
        return tuple(p for p in self.parameters if p.place == place)


@cache
def signature_of(op: Op) -> Signature:
    """The signature of an Op's verb."""
    hints = get_type_hints(op.verb)
    in_path = {name for name, _ in placeholders(op.path)}
    given = {name: p for name, p in inspect.signature(op.verb).parameters.items() if name != "self"}
    raw = next((name for name in given if hints[name] is bytes), None)
    rest: Literal["query", "body"] = "query" if raw or op.method in ("GET", "DELETE") else "body"

    def place(name: str) -> Literal["path", "query", "body", "raw"]:
        return "path" if name in in_path else "raw" if name == raw else rest

    found = tuple(Parameter(name, wire_type(hints[name]), place(name), p.default) for name, p in given.items())
    if missing := in_path - {p.name for p in found}:
        raise TypeError(f"{op.path}: the verb {op.name} has no parameter {', '.join(sorted(missing))}")
    return Signature(found, hints.get("return"))


def placeholders(path: str) -> list[tuple[str, str]]:
    """The names in a path and their converters (`str`, `int` or `path`).

    >>> placeholders("/runs/{run}/artifacts/{name:path}")
    [('run', 'str'), ('name', 'path')]
    """
    return [(m[1], m[2] or "str") for m in _PLACEHOLDER.finditer(path)]


def fill(path: str, values: Mapping[str, str]) -> str:
    """The path with its placeholders replaced.

    >>> fill("/models/{model}/versions/{version:int}", {"model": "late", "version": "7"})
    '/models/late/versions/7'
    """
    return _PLACEHOLDER.sub(lambda m: values[m[1]], path)


def is_scalar(annotation: Any) -> bool:
    """Whether a type is one word of text, optional or not.

    >>> is_scalar(int | None), is_scalar(list[int])
    (True, False)
    """
    return all(get_origin(a) is Literal or a in _SCALARS for a in _options(annotation))


def is_instant(annotation: Any) -> bool:
    """Whether a text of this type names an instant, or is absent.

    >>> is_instant(datetime | None), is_instant(str | None)
    (True, False)
    """
    options = _options(annotation)
    return datetime in options and str not in options


def wire_type(annotation: Any) -> Any:
    """The type as it travels: beside `str` a `Ref` is a str already, so `str | Ref` is `str`."""
    options = _options(annotation)
    return Union[tuple(a for a in options if a is not Ref)] if str in options and Ref in options else annotation  # noqa: UP007


def _options(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)


def to_wire(value: Any) -> Any:
    """Encoder hook: a Ref travels as its string."""
    if isinstance(value, Ref):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} does not travel")


def from_wire(kind: type, value: Any) -> Any:
    """Decoder hook: a string is read as a Ref where one is asked for."""
    if kind is Ref and isinstance(value, str):
        try:
            return Ref.parse(value)
        except Invalid as error:
            raise ValueError(error.message) from None
    raise ValueError(f"expected {kind.__name__}, got {type(value).__name__}")
