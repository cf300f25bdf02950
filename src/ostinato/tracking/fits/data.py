"""A description of training data: shape, columns and fingerprint, never rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from blake3 import blake3

from ostinato.tracking.types import Source

_HASHED_BYTES = 64 << 20
_HASHED_OBJECTS = 100_000
_COLUMNS_MAX = 1000
_CLASSES_MAX = 100
_DTYPES = {"f": "float64", "i": "int64", "u": "int64", "b": "bool"}


def source_of(x: Any, y: Any = None, *, classes: bool = False) -> Source:
    """Data in memory as a source: equal data has equal digests.

    All of it is hashed up to 64 MiB (100,000 values of texts and objects); of more, evenly spaced rows, together with the shape. With
    `classes`, the profile counts how often each value of `y` is there.
    """
    digest = blake3()
    told: dict[str, Any] = {}
    for name, part in (("x", x), ("y", y)):
        if part is not None:
            told[name] = {"type": type(part).__name__, "shape": list(shape_of(part))}
            digest.update(json.dumps([name, told[name]]).encode())
            for piece in _pieces(part):
                digest.update(piece)
    if classes and y is not None:
        told |= class_counts(y)
    rows = told.get("x", {}).get("shape") or [0]
    attributes = getattr(x, "attrs", None)
    called = attributes.get("name") if isinstance(attributes, dict) else None
    return Source(
        name=str(called or f"{rows[0]} rows in memory"), digest=digest.hexdigest(16), type="memory",
        source=json.dumps({"type": type(x).__name__}), schema=json.dumps({"columns": columns_of(x)}), profile=json.dumps(told),
    )  # fmt: skip


def shape_of(part: Any) -> tuple[int, ...]:
    """The shape of data: rows, columns and so on."""
    shape = getattr(part, "shape", None)
    if shape is None:
        return (len(part),) if hasattr(part, "__len__") else ()
    return tuple(int(n) for n in shape)


def columns_of(x: Any) -> list[dict[str, str]]:
    """Names and types of the columns, as the inputs of a signature; those of arrays are called `x0`, `x1`, and so on."""
    if hasattr(x, "columns") and hasattr(x, "dtypes"):
        kinds = list(x.dtypes)
        return [{"name": str(name), "dtype": _dtype(kind)} for name, kind in zip(x.columns, kinds, strict=False)][:_COLUMNS_MAX]
    shape = shape_of(x)
    width = shape[1] if len(shape) == 2 else 0
    return [{"name": f"x{n}", "dtype": _dtype(getattr(x, "dtype", None))} for n in range(min(width, _COLUMNS_MAX))]


def _dtype(kind: Any) -> str:
    return "float64" if kind is None else _DTYPES.get(getattr(kind, "kind", "O"), "string")


def signature_of(x: Any, names: Sequence[str] | None = None) -> bytes:
    """The signature of a model that takes such data and answers a score, as the registry reads it."""
    fields: list[dict[str, Any]] = [dict(column) for column in columns_of(x)]
    if names is not None and len(names) == len(fields):
        fields = [{**field, "name": str(name)} for field, name in zip(fields, names, strict=True)]
    inputs = [{**field, "nullable": True} for field in fields]
    return json.dumps({"inputs": inputs, "outputs": [{"name": "score", "dtype": "float64", "nullable": False}]}).encode()


def example_of(x: Any, rows: int = 5) -> bytes:
    """The first rows, by column: only for those who ask for them."""
    few = take_rows(x, np.arange(min(rows, shape_of(x)[0] if shape_of(x) else 0)))
    named = [column["name"] for column in columns_of(x)]
    table = np.asarray(few.to_numpy() if hasattr(few, "to_numpy") else few)
    columns = {name: table[:, n].tolist() for n, name in enumerate(named)} if table.ndim == 2 else {"x": table.tolist()}
    return json.dumps(columns, default=str).encode()


def class_counts(y: Any) -> dict[str, Any]:
    """The number of rows by class, the most common first; at most 100 classes."""
    flat = np.asarray(y)
    if flat.ndim == 2 and flat.shape[1] == 1:
        flat = flat[:, 0]
    if flat.ndim != 1:
        return {}
    values, counts = np.unique(flat.astype(str) if flat.dtype == object else flat, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:_CLASSES_MAX]
    return {"classes": {str(values[n]): int(counts[n]) for n in order}, "distinct": len(values)}


def take_rows(part: Any, rows: Any) -> Any:
    """Some rows of data, in its own type."""
    if hasattr(part, "iloc"):
        return part.iloc[rows]
    if isinstance(part, list | tuple):
        return [part[n] for n in rows]
    if hasattr(part, "take") and hasattr(part, "schema"):
        return part.take(rows)
    return part[rows]


def evenly_spaced(rows: int, most: int) -> Any:
    """The numbers of `most` evenly spaced rows of so many, or of all of them."""
    return np.arange(rows) if rows <= most else np.linspace(0, rows - 1, most).astype(np.int64)


def _pieces(part: Any) -> Iterator[bytes | memoryview]:
    """What is hashed of an array, a data frame, a sparse matrix, a tensor or a list."""
    if hasattr(part, "indptr"):  # sparse
        for inner in (part.data, part.indices, part.indptr):
            yield from _of_array(np.asarray(inner))
    elif hasattr(part, "columns") and hasattr(part, "iloc"):
        width = max(1, len(part.columns))
        for number, column in enumerate(part.columns):
            yield str(column).encode()
            yield from _of_array(part.iloc[:, number].to_numpy(), _HASHED_BYTES // width, max(1, _HASHED_OBJECTS // width))
    elif hasattr(part, "to_numpy"):
        yield from _of_array(np.asarray(part.to_numpy()))
    elif hasattr(part, "detach"):  # a tensor of torch
        yield from _of_array(take_rows(part.detach(), evenly_spaced(len(part), _HASHED_OBJECTS)).cpu().numpy())
    elif isinstance(part, np.ndarray | list | tuple):
        yield from _of_array(np.asarray(part))


def _of_array(values: Any, most_bytes: int = _HASHED_BYTES, most_objects: int = _HASHED_OBJECTS) -> Iterator[bytes | memoryview]:
    yield values.dtype.str.encode()
    if values.ndim == 0:
        yield repr(values.item()).encode()
        return
    per_row = int(np.prod(values.shape[1:], dtype=np.int64)) or 1
    if values.dtype == object:
        chosen = values[evenly_spaced(len(values), max(1, most_objects // per_row))]
        yield "\x1f".join(map(repr, chosen.ravel().tolist())).encode("utf-8", "replace")
        return
    size = values.nbytes
    chosen = values if size <= most_bytes else values[evenly_spaced(len(values), max(1, most_bytes // (values.itemsize * per_row)))]
    with suppress(TypeError, ValueError):
        yield np.ascontiguousarray(chosen).view(np.uint8).data
        return
    yield np.ascontiguousarray(chosen).tobytes()
