"""Serialization of any value as a small JSON tree whose large leaves are digests of blobs."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any, Protocol, get_args

import msgspec
from blake3 import blake3

from ostinato.kernel.errors import Invalid
from ostinato.kernel.family import Family
from ostinato.kernel.ref import Ref
from ostinato.kernel.settings import Settings
from ostinato.storage.blobs.blobs import Blobs
from ostinato.storage.blobs.chosen import blobs_of
from ostinato.storage.blobs.owned import Owned
from ostinato.storage.rows.chosen import rows_of
from ostinato.storage.tables.tables import Tables
from ostinato.tracking.types import Scalar

_ROW_MAX_BYTES = 16_384
_PLAIN = (str, int, float, bool, type(None))


class Codec(Protocol):
    """A kind of value and its bytes."""

    def accepts(self, value: object) -> bool:
        """Whether this codec is for `value`."""
        ...

    def keep(self, value: Any, blobs: Blobs, tables: Tables) -> str:
        """Store the value and return the digest; equal values have equal digests."""
        ...

    def fetch(self, digest: str, blobs: Blobs, tables: Tables) -> Any:
        """The value again."""
        ...


CODECS = Family[Codec]("ostinato.pipelines.codecs")


@functools.cache
def _codecs() -> dict[str, Codec]:
    return {name: CODECS.make(name) for name in CODECS.names()}


class Packer:
    """Values to trees and back. A tree is JSON; `{"$table": digest}` stands for a value that the codec `table` keeps.

    Dataclasses become objects, tuples lists, instants and Refs text; a step or pipeline whose parameters or result
    are annotated gets the annotated types back.
    """

    def __init__(self, blobs: Blobs, tables: Tables, store: Settings | None = None) -> None:
        self._blobs = blobs
        self._tables = tables
        self._store = store

    def __reduce__(self) -> tuple[Any, ...]:
        """In another process, the packer of the same store, which that process opens once."""
        return (Packer, (self._blobs, self._tables)) if self._store is None else (packer_of, (self._store,))

    def pack(self, value: Any, path: str = "") -> Any:
        """The tree of a value.

        Raises:
            Invalid: there is no codec for the value, or for something within it.
        """
        tree = self._tree(value, path)
        if isinstance(tree, dict | list | str) and codec_of(tree) == "json" and len(text := dumps(tree)) > _ROW_MAX_BYTES:
            return {"$json": self._blobs.put(text).digest}
        return tree

    def unpack(self, tree: Any) -> Any:
        """The value of a tree, with plain types inside.

        Raises:
            NotFound: a blob is gone.
            Corrupt: a blob is damaged.
        """
        if isinstance(tree, list):
            return [self.unpack(item) for item in tree]
        if not isinstance(tree, dict):
            return tree
        mark = _mark(tree)
        if mark is None:
            return {name: self.unpack(item) for name, item in tree.items()}
        codec, content = mark
        if codec == "object":
            return {name: self.unpack(item) for name, item in content.items()}
        found = _codecs()[codec].fetch(content, self._blobs, self._tables)
        return self.unpack(found) if codec == "json" else found

    def _tree(self, value: Any, path: str) -> Any:
        if isinstance(value, _PLAIN):
            return self._tree(value.value, path) if isinstance(value, Enum) else _to_plain_type(value)
        if isinstance(value, dict):
            return self._object(value, path)
        if isinstance(value, list | tuple):
            return [self._tree(item, f"{path}[{i}]") for i, item in enumerate(value)]
        if isinstance(value, Packed):
            return value.tree
        if isinstance(value, Ref):
            return str(value)
        if isinstance(value, datetime | date):
            return value.isoformat()
        if is_dataclass(value) and not isinstance(value, type):
            return {f.name: self._tree(getattr(value, f.name), f"{path}.{f.name}") for f in fields(value)}
        for name, codec in _codecs().items():
            if codec.accepts(value):
                return {f"${name}": codec.keep(value, self._blobs, self._tables)}
        if getattr(value, "shape", None) == () and hasattr(value, "item"):
            return self._tree(value.item(), path)
        raise Invalid(
            f"no codec for {type(value).__qualname__}" + (f" at {path}" if path else ""),
            hint=f"pass plain values, dataclasses, or one of: {', '.join(_codecs())}; sets have no order: pass sorted(…)",
            field=path,
        )

    def _object(self, value: dict[Any, Any], path: str) -> dict[str, Any]:
        for name in value:
            if not isinstance(name, str):
                raise Invalid(f"the key {name!r}{' at ' + path if path else ''} is not text", hint="use text keys", field=path)
        tree = {name: self._tree(item, f"{path}.{name}") for name, item in value.items()}
        return {"$object": tree} if _mark(tree) else tree


@functools.cache
def packer_of(store: Settings) -> Packer:
    """The packer of a store, for processes that run steps and nothing else."""
    blobs = Owned(blobs_of(store), rows_of(store))
    return Packer(blobs, Tables(blobs, store.data / "cache"), store)


class Packed:
    """A value that is packed already."""

    __slots__ = ("tree",)

    def __init__(self, tree: Any) -> None:
        self.tree = tree


class Output(Packed):
    """The result of a step call in the body of a pipeline: a lazy value, to pass on or to read.

    `step` is the id of the call, `digest` the address of the value.
    """

    __slots__ = ("_hint", "_packer", "step")

    def __init__(self, tree: Any, step: str, packer: Packer, hint: Any) -> None:
        super().__init__(tree)
        self.step = step
        self._packer = packer
        self._hint = hint

    @property
    def digest(self) -> str:
        """The BLAKE3 digest of the value as it is kept, 64 hex characters."""
        return digest_of_tree(self.tree)

    def value(self) -> Any:
        """The value, read afresh, so that changing it changes nothing else."""
        return revive(self._packer.unpack(self.tree), self._hint)

    def __bool__(self) -> bool:
        raise Invalid("the output of a step is neither true nor false", hint="write `if output.value():`")

    def __repr__(self) -> str:
        return f"<output of {self.step}>"


def value(result: Any) -> Any:
    """The value of what a step call gave, in an execution (`Output`) and outside (the value itself).

    >>> value(3)
    3
    """
    return result.value() if isinstance(result, Output) else result


def dumps(tree: Any) -> bytes:
    """The canonical text of a tree; NaN and infinities are written as JavaScript does."""
    return json.dumps(tree, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def codec_of(tree: Any) -> str:
    """The name of the codec that keeps the whole value; `json` where it is a tree of parts."""
    mark = _mark(tree) if isinstance(tree, dict) else None
    return mark[0] if mark and mark[0] != "object" else "json"


def digest_of_tree(tree: Any) -> str:
    """The digest of the blob where the tree is one, otherwise that of its text."""
    mark = _mark(tree) if isinstance(tree, dict) else None
    return mark[1] if mark and mark[0] != "object" else blake3(dumps(tree)).hexdigest()


def outputs_in(value: Any) -> Iterator[Output]:
    """All outputs of steps within lists, tuples, dicts."""
    if isinstance(value, Output):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from outputs_in(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from outputs_in(item)


def refs_in(value: Any) -> Iterator[Ref]:
    """All versioned references within a value: Refs, and text that reads `kind:name@version`."""
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, str) and ":" in value and "@" in value and len(value) < 300:
        try:
            yield Ref.parse(value)
        except Invalid:
            return
    elif isinstance(value, list | tuple):
        for item in value:
            yield from refs_in(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from refs_in(item)


def scalars(tree: dict[str, Any]) -> dict[str, Scalar]:
    """The parts of an object that a Run keeps as parameters."""
    return {name: part for name, part in tree.items() if isinstance(part, str | int | float | bool)}


def revive(plain: Any, hint: Any) -> Any:
    """A plain value as the type that `hint` names, where plain JSON has no such type.

    >>> revive("2013-01-01T00:00:00+00:00", datetime).year
    2013

    Raises:
        Invalid: the value does not fit the type; the message holds the path.
    """
    if not _structured(hint):
        return plain
    try:
        return msgspec.convert(plain, hint, dec_hook=_foreign, strict=False)
    except msgspec.ValidationError as error:
        raise Invalid(str(error)) from error


def conform(plain: Any, hint: Any, name: str) -> Any:
    """Check a parameter that came from outside against its annotation and return it as that type.

    Raises:
        Invalid: it does not fit.
    """
    if hint is None or hint is Any:
        return plain
    try:
        return msgspec.convert(plain, hint, dec_hook=_foreign)
    except msgspec.ValidationError as error:
        raise Invalid(f"{name}: {error}", field=name) from error
    except TypeError:
        return plain  # an annotation that msgspec cannot read promises nothing


def _to_plain_type(value: Any) -> Any:
    """Subclasses of the plain types, such as numpy.float64, as those types."""
    kind = type(value)
    return value if kind in _PLAIN else next(plain(value) for plain in (bool, int, float, str) if isinstance(value, plain))


def _mark(tree: dict[str, Any]) -> tuple[str, Any] | None:
    if len(tree) != 1:
        return None
    ((name, content),) = tree.items()
    known = name[:1] == "$" and (name == "$object" or name[1:] in _codecs())
    return (name[1:], content) if known else None


@functools.lru_cache(maxsize=4096)
def _structured(hint: Any) -> bool:
    if is_dataclass(hint) or hint in (datetime, date, Ref, tuple):
        return True
    if getattr(hint, "__origin__", None) is tuple:
        return True
    return any(_structured(part) for part in get_args(hint) if not isinstance(part, str | int | bool | list))


def _foreign(kind: type[Any], found: Any) -> Any:
    if kind is Ref and isinstance(found, str):
        try:
            return Ref.parse(found)
        except Invalid as error:
            raise ValueError(error.message) from error
    if isinstance(kind, type) and not isinstance(found, kind):
        raise ValueError(f"expected {kind.__qualname__}, got {type(found).__qualname__}")
    return found
