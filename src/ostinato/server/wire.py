"""Decoding of requests into arguments of verbs, and encoding of their results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

import msgspec

from ostinato.kernel.errors import Invalid
from ostinato.kernel.instant import WRITTEN, instant_from
from ostinato.kernel.signature import Parameter, from_wire, is_instant, to_wire

JSON = "application/json"
MSGPACK = "application/msgpack"
_is_instant = cache(is_instant)
_LARGE = 1 << 20
"""Bytes of a body that is looked at before it is decoded."""


def from_texts(parameters: Sequence[Parameter], pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Arguments from a path, a query or a command line, where everything is text.

    A list of scalars repeats its key; what is neither a scalar nor such a list is JSON.
    """
    if not pairs and not parameters:
        return {}
    texts: dict[str, list[str]] = {}
    for name, text in pairs:
        texts.setdefault(name, []).append(text)
    _refuse_unknown(parameters, texts)
    given: dict[str, Any] = {}
    for p in parameters:
        if p.name in texts:
            given[p.name] = (
                texts[p.name] if p.repeated else texts[p.name][-1] if p.scalar else decode(texts[p.name][-1].encode(), at=p.name)
            )
    return _read(parameters, given, lax=True)


def from_body(parameters: Sequence[Parameter], content: bytes, kind: str = JSON) -> dict[str, Any]:
    """Arguments from a body: one object with a field per parameter.

    Raises:
        Invalid: not an object, a field is unknown, missing or of another type; `field` is its path.
    """
    if not content and not parameters:
        return {}
    if len(content) > _LARGE:
        _refuse_early(parameters, content, kind)
    given = decode(content, kind) if content else {}
    if not isinstance(given, dict):
        raise Invalid("the body is not an object", hint="send one JSON object with a field per parameter", field="$")
    _refuse_unknown(parameters, given)
    return _read(parameters, given, lax=False)


def _refuse_early(parameters: Sequence[Parameter], content: bytes, kind: str) -> None:
    """Refuse what is of another type where it begins: 64 MiB of empty lists, decoded first and looked at then, would be 1.6 GB."""
    read = msgspec.msgpack.decode if kind == MSGPACK else msgspec.json.decode
    at = "$"
    try:
        raw = read(content, type=dict[str, msgspec.Raw])
        _refuse_unknown(parameters, raw)
        for p in parameters:
            at = f"$.{p.name}"
            if p.name in raw and not _is_instant(p.annotation):
                read(raw[p.name], type=p.annotation, dec_hook=from_wire)
    except msgspec.ValidationError as error:
        raise _of_other_type(error, at) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return  # `decode` meets it at the same place, and says what it is


def decode(content: bytes, kind: str = JSON, at: str = "") -> Any:
    """Plain values from JSON or MessagePack."""
    try:
        return msgspec.msgpack.decode(content) if kind == MSGPACK else msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        name = "MessagePack" if kind == MSGPACK else "JSON"
        what = f"not {name}: nested too deeply" if isinstance(error, RecursionError) else f"not {name}: {error}"
        raise Invalid(what, hint=f"send {name} as the standard has it", field=f"$.{at}" if at else "$") from None


def encode(value: Any) -> bytes:
    """JSON of a result."""
    return msgspec.json.encode(value, enc_hook=to_wire)


def encode_as(value: Any, kind: str) -> tuple[bytes, str]:
    """JSON or MessagePack of a result, and which it is: JSON where a whole number has more than the 64 bits of MessagePack's."""
    if kind == MSGPACK:
        with suppress(OverflowError):
            return msgspec.msgpack.encode(value, enc_hook=to_wire), MSGPACK
    return encode(value), JSON


def convert(value: Any, annotation: Any, at: str, *, lax: bool = False) -> Any:
    """A plain value as `annotation`; with `lax`, texts are read as numbers and truth values.

    Raises:
        Invalid: it is of another type or an object has a field that nobody knows; `field` is the path.
    """
    if isinstance(value, str) and _is_instant(annotation):
        return instant_from(value, at)
    try:
        found = msgspec.convert(value, annotation, strict=not lax, dec_hook=from_wire)
    except msgspec.ValidationError as error:
        raise _of_other_type(error, at) from None
    _refuse_extra(value, found, at)
    return found


def _of_other_type(error: msgspec.ValidationError, at: str) -> Invalid:
    what, _, where = str(error).partition(" - at `$")
    path = at + where.rstrip("`")
    return Invalid(f"{path}: {what}", hint=WRITTEN if "RFC3339" in what else "", field=path)


def _read(parameters: Sequence[Parameter], given: Mapping[str, Any], *, lax: bool) -> dict[str, Any]:
    found = {}
    for p in parameters:
        at = f"$.{p.name}"
        if p.name in given:
            found[p.name] = convert(given[p.name], p.annotation, at, lax=lax and (p.scalar or p.repeated))
        elif p.required:
            raise Invalid(f"{at} is missing", hint=_known_fields(parameters), field=at)
    return found


def _refuse_unknown(parameters: Sequence[Parameter], given: Mapping[Any, Any]) -> None:
    if extra := given.keys() - {p.name for p in parameters}:
        name = min(map(str, extra))
        raise Invalid(f"$.{name} is unknown", hint=_known_fields(parameters), field=f"$.{name}")


def _known_fields(parameters: Sequence[Parameter]) -> str:
    return f"known fields: {', '.join(p.name for p in parameters) or 'none'}"


def _refuse_extra(raw: Any, found: Any, at: str) -> None:
    """Refuse fields that the conversion to a dataclass left behind."""
    if is_dataclass(found) and isinstance(raw, dict):
        names = {f.name for f in fields(found)}
        if extra := raw.keys() - names:
            path = f"{at}.{min(map(str, extra))}"
            raise Invalid(f"{path} is unknown", hint=f"known fields: {', '.join(sorted(names))}", field=path)
        for name, value in raw.items():
            _refuse_extra(value, getattr(found, name), f"{at}.{name}")
    elif isinstance(raw, list) and isinstance(found, (list, tuple)):
        for index, (value, made) in enumerate(zip(raw, found, strict=True)):
            if isinstance(value, (dict, list)):
                _refuse_extra(value, made, f"{at}[{index}]")
    elif isinstance(raw, dict) and isinstance(found, dict):
        for (key, value), made in zip(raw.items(), found.values(), strict=True):
            if isinstance(value, (dict, list)):
                _refuse_extra(value, made, f"{at}.{key}")
