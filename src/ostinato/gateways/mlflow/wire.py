"""Wire: requests read and replies written by the rules that protocol buffers have for JSON, as far as MLflow's messages use them.

A request is an `Ask`. Fields that nobody knows are passed over, null is as good as absent, and integers of 64 bits may be texts.
"""

from __future__ import annotations

import base64
import binascii
import math
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Annotated, Any, NamedTuple, TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Meta, Struct

from ostinato.kernel.errors import Invalid

A = TypeVar("A", bound="Ask")
A2, A3 = "/api/2.0/mlflow", "/api/3.0/mlflow"
"""Where the routes of its two generations of API lie."""
Int64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
_KEY, _KEY_MAX = re.compile(r"[/\w.\- :]*"), 250
_TEXTS = (
    "txt", "log", "err", "cfg", "conf", "cnf", "ini", "properties", "prop", "hocon", "toml", "yaml", "yml", "xml", "json", "jsonl", "js",
    "py", "csv", "tsv", "md", "rst", "mlmodel", "mlproject",
)  # fmt: skip
_KINDS = dict.fromkeys(_TEXTS, "text/plain") | {
    "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp", "bmp": "image/bmp",
    "pdf": "application/pdf", "zip": "application/zip", "mp4": "video/mp4", "mp3": "audio/mpeg", "wav": "audio/x-wav",
}  # fmt: skip
"""The types of files by how their names end: nothing that a browser would run."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AT = re.compile(r" - at `\$\.?(.*)`$")
_LACKS = re.compile(r"Object missing required field `(\w+)`")
_STEP = re.compile(r"\w+|\[(\d+)\]")


class Ask(Struct, kw_only=True):
    """A request of a client; a field without a default is required, and a required text is not empty."""

    @property
    def needs(self) -> str:
        """The permission that this very request needs beside that of its route, or the empty text."""
        return ""


class Pair(Ask, kw_only=True):
    """A key and a value: a tag or a parameter."""

    key: str
    value: str = ""


class Nothing(Ask, kw_only=True):
    """A request without fields."""


class Download(NamedTuple):
    """A file that is handed out: by which name, how large, and its bytes."""

    name: str
    size: int
    content: Iterator[bytes]

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """What is said of it: something to keep, never a page; its type goes by its name alone."""
        kind = _KINDS.get(self.name.rpartition(".")[2].lower(), "application/octet-stream")
        plain = re.fullmatch(r"[A-Za-z0-9!#$&+.^_`|~%-]+", self.name)
        named = f"filename={self.name}" if plain else f"filename*=UTF-8''{quote(self.name, safe='')}"
        said = {"content-type": kind, "content-disposition": f"attachment; {named}", "content-length": str(self.size)}
        return [(key.encode(), value.encode()) for key, value in said.items()]


class Origin(NamedTuple):
    """How a client reached this server: the address that it called, before MLflow's part of it, and what it showed."""

    url: str
    authorization: str


def read(kind: type[A], content: bytes, more: Mapping[str, str] | None = None) -> A:
    """The request in a body, with the texts that its path gave.

    Raises:
        Invalid: the body is not JSON, or a field is missing or of another type; the message is the one that MLflow has for it.
    """
    try:
        if not more:
            with suppress(msgspec.ValidationError):
                return _checked(msgspec.json.decode(content or b"{}", type=kind, strict=False))
        given = msgspec.json.decode(content or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"the body is not JSON: {error}", hint='numbers that are not finite are written as texts, such as "NaN"') from None
    return _checked(_converted(kind, {**given, **more} if more and isinstance(given, dict) else given))


def made(kind: type[A], given: Any) -> A:
    """The request in values that were read already.

    Raises:
        Invalid: as for a body.
    """
    return _checked(_converted(kind, given))


def read_texts(kind: type[A], pairs: Sequence[tuple[str, str]]) -> A:
    """The request in the texts of a query."""
    lists = _lists(kind)
    given: dict[str, Any] = {}
    for name, text in pairs:
        if name in lists:
            given.setdefault(name, []).append(text)
        else:
            given.setdefault(name, text)
    return _checked(_converted(kind, given))


def _converted(kind: type[A], given: Any) -> A:
    if not isinstance(given, dict):
        raise Invalid("the body is not an object", hint="send one JSON object with a field per parameter")
    plain = _without_null(given)
    try:
        return msgspec.convert(plain, kind, strict=False)
    except msgspec.ValidationError as error:
        raise _explained(str(error), plain) from None
    except (RecursionError, UnicodeDecodeError) as error:
        raise Invalid(f"the body cannot be read: {error}") from None


def _without_null(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_null(inner) for key, inner in value.items() if inner is not None}
    return [_without_null(inner) for inner in value] if isinstance(value, list) else value


def _explained(error: str, given: Any) -> Invalid:
    """What is wrong, in the words that MLflow has for it."""
    found = _AT.search(error)
    path = found[1] if found else ""
    if lacks := _LACKS.search(error):
        return missing(f"{path}.{lacks[1]}".lstrip("."))
    value = given
    for step in _STEP.finditer(path):
        value = value[int(step[1])] if step[1] else value.get(step[0], {})
    shown = msgspec.json.encode(value).decode()
    shown = shown if len(shown) <= 500 else shown[:500] + "…"
    return Invalid(f"Invalid value {shown} for parameter '{path}' supplied: {error.partition(' - at')[0]}", field=path)


def missing(path: str) -> Invalid:
    said = f"Missing value for required parameter '{path}'. See the API docs for more information about request parameters."
    return Invalid(said, field=path)


def _checked(ask: A) -> A:
    for name in _required_texts(type(ask)):
        if not getattr(ask, name):
            raise missing(name)
    return ask


@cache
def _required_texts(kind: Any) -> tuple[str, ...]:
    return tuple(f.name for f in msgspec.structs.fields(kind) if f.required and f.type is str)


@cache
def _lists(kind: Any) -> frozenset[str]:
    return frozenset(f.name for f in msgspec.structs.fields(kind) if getattr(f.type, "__origin__", None) is tuple)


@lru_cache(maxsize=4096)
def check_key(key: str) -> None:
    """Whether something may be called so: a metric, a parameter or a tag.

    Raises:
        Invalid: MLflow would refuse it.
    """
    if not 0 < len(key) <= _KEY_MAX or not _KEY.fullmatch(key):
        hint = f"1 to {_KEY_MAX} letters, digits, underscores, dashes, dots, spaces, colons and slashes"
        raise Invalid(
            f"Invalid value {key[:100]!r} for parameter 'key' supplied: Names may only contain some signs", hint=hint, field="key"
        )
    if posixpath.normpath(key) != key or key == "." or key.startswith(("..", "/")):
        said = f"Invalid value {key[:100]!r} for parameter 'key' supplied: Names may be treated as files in certain cases"
        raise Invalid(said, hint="no path that leads out, or that has another name", field="key")


# ---- replies


def number(value: float | str) -> float | str:
    """A float as protocol buffers write it in JSON.

    >>> number(0.5), number(float("nan")), number("-inf")
    (0.5, 'NaN', '-Infinity')
    """
    found = float(value)
    if math.isfinite(found):
        return found
    return "NaN" if math.isnan(found) else "Infinity" if found > 0 else "-Infinity"


def pairs(values: Mapping[str, Any]) -> list[dict[str, str]]:
    """Tags or parameters as a list of keys and values."""
    return [{"key": key, "value": text(value)} for key, value in values.items()]


def text(value: Any) -> str:
    """A parameter as MLflow shows it: the text that Python has for it."""
    return value if isinstance(value, str) else str(value)


def millis(at: datetime) -> int:
    """An instant in milliseconds after 1970."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def instant(ms: int, field: str) -> datetime:
    """The instant so many milliseconds after 1970.

    Raises:
        Invalid: it lies in no year from 1 to 9999.
    """
    try:
        return _EPOCH + timedelta(milliseconds=ms)
    except OverflowError:
        raise Invalid(f"Invalid value {ms} for parameter '{field}' supplied: not an instant in milliseconds", field=field) from None


def filled(**values: Any) -> dict[str, Any]:
    """What of it there is: as in protocol buffers, an empty field is left out."""
    return {key: value for key, value in values.items() if value not in (None, "", [], {})}


# ---- pages


def offset(token: str) -> int:
    """Where the page of a token begins.

    Raises:
        Invalid: it is no token of ours.
    """
    if not token:
        return 0
    try:
        found = msgspec.json.decode(base64.b64decode(token, validate=True))["offset"]
        if type(found) is int and 0 <= found < 2**31:
            return found
    except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError, RecursionError):
        pass
    raise Invalid(f"Invalid page token: {token[:100]!r}", hint="pass the next_page_token of the page before", field="page_token")


def token(offset: int) -> str:
    """The token of the page that begins at `offset`.

    >>> offset(token(25))
    25
    """
    return base64.b64encode(msgspec.json.encode({"offset": offset})).decode()


def page(name: str, found: Sequence[Any], start: int, most: int) -> dict[str, Any]:
    """A reply with a page of `found`, which holds one more than `most` where there are more."""
    return filled(**{name: list(found[:most])}, next_page_token=token(start + most) if len(found) > most else "")


def most(given: int | None, default: int, limit: int) -> int:
    """How many results a page holds; unless it is said, `default`.

    Raises:
        Invalid: not from 1 to `limit`.
    """
    asked = default if given is None else given
    if not 1 <= asked <= limit:
        said = f"Invalid value {given} for parameter 'max_results' supplied: It must be between 1 and {limit}"
        raise Invalid(said, field="max_results")
    return asked
