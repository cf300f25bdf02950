"""The contents of event files: scalars, histograms, images, sounds, texts, hyperparameters."""

from __future__ import annotations

import math
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ostinato.kernel.protobuf import Malformed
from ostinato.tracking.tensorboard.messages import fields, floats, signed, text, view
from ostinato.tracking.types import Scalar

_FLOAT, _DOUBLE, _STRING = 1, 2, 7
_NUMPY = {_FLOAT: "<f4", _DOUBLE: "<f8", 3: "<i4", 9: "<i8", 10: "?", 19: "<f2"}
_SUFFIXES = ((b"\x89PNG", ".png"), (b"\xff\xd8", ".jpg"), (b"GIF8", ".gif"), (b"RIFF", ".wav"))
_LARGEST_US = 1 << 62
_LARGEST = 1.7976931348623157e308


@dataclass(frozen=True, slots=True)
class Media:
    """A file of a step: the kind of it (`images`, `audio`, `text`), its tag, what its name ends in, its bytes."""

    kind: str
    tag: str
    step: int
    suffix: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts between limits: bucket i lies between `edges[i]` and `edges[i + 1]`."""

    tag: str
    step: int
    at_us: int
    edges: list[float]
    counts: list[float]


@dataclass(slots=True)
class Told:
    """The decoded contents of events, in order; `left_out` counts what is not imported, by kind."""

    points: list[tuple[str, int, int, float]] = field(default_factory=list)
    histograms: list[Histogram] = field(default_factory=list)
    media: list[Media] = field(default_factory=list)
    params: dict[str, Scalar] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)
    first_us: int | None = None
    last_us: int | None = None


def tell(told: Told, record: memoryview) -> None:
    """Add what a record says.

    Raises:
        Malformed: it is no event.
    """
    step, at, values = 0, 0.0, []
    for number, value in fields(record):
        if number == 1:
            at = floats(value, "d")[0] if len(view(value)) == 8 else 0.0
        elif number == 2:
            step = signed(value)
        elif number == 5:
            values += [view(inner) for n, inner in fields(view(value)) if n == 1]
        elif number in (4, 8, 9):
            told.left_out["graph" if number != 8 else "profile"] += 1
    at_us = int(at * 1e6) if math.isfinite(at) and abs(at * 1e6) < _LARGEST_US else 0
    if at_us:
        told.first_us = at_us if told.first_us is None else min(told.first_us, at_us)
        told.last_us = at_us if told.last_us is None else max(told.last_us, at_us)
    for summary in values:
        _tell_value(told, summary, step, at_us)


def _tell_value(told: Told, summary: memoryview, step: int, at_us: int) -> None:
    tag, plugin, content, found = "", "", memoryview(b""), None
    for number, value in fields(summary):
        if number == 1:
            tag = text(value)
        elif number in (2, 4, 5, 6, 8):
            found = number, value
        elif number == 9:
            plugin, content = _plugin(view(value))
    if plugin == "hparams":
        _hparams(told, content)
    elif found is None:
        return
    elif found[0] == 2:
        told.points.append((tag, step, at_us, floats(found[1], "f")[0]))
    elif found[0] == 5:
        told.histograms.append(_histogram(tag, step, at_us, view(found[1])))
    elif found[0] in (4, 6):
        held = [bytes(view(value)) for n, value in fields(view(found[1])) if n == 4]
        _media(told, "images" if found[0] == 4 else "audio", tag, step, held)
    else:
        _tensor(told, plugin, tag, step, at_us, view(found[1]))


def _plugin(metadata: memoryview) -> tuple[str, memoryview]:
    name, content = "", memoryview(b"")
    for number, value in fields(metadata):
        if number == 1:
            for n, inner in fields(view(value)):
                if n == 1:
                    name = text(inner)
                elif n == 2:
                    content = view(inner)
    return name, content


def _tensor(told: Told, plugin: str, tag: str, step: int, at_us: int, data: memoryview) -> None:
    """A tensor by the plugin that it is meant for; where the writer has said that only once, by what it is."""
    kind, shape, values, strings = _unpacked(data)
    if kind == _STRING and plugin in ("text", "images", "audio", ""):
        kept = [s for s in strings if _suffix(s) in (".png", ".jpg", ".gif", ".wav")]
        if plugin == "text" or not (plugin or kept):
            _media(told, "text", tag, step, [b"\n\n".join(strings)])
        else:
            _media(told, "audio" if kept and _suffix(kept[0]) == ".wav" else "images", tag, step, kept)
    elif values is not None and plugin in ("scalars", "") and values.size == 1:
        told.points.append((tag, step, at_us, float(values.ravel()[0])))
    elif values is not None and plugin in ("histograms", "") and len(shape) == 2 and shape[1] == 3 and shape[0]:
        table = values.reshape(-1, 3).astype(np.float64)
        edges = [*table[:, 0].tolist(), float(table[-1, 1])]
        told.histograms.append(Histogram(tag, step, at_us, edges, table[:, 2].tolist()))
    else:
        told.left_out[plugin or "tensor"] += 1


def _unpacked(data: memoryview) -> tuple[int, list[int], Any, list[bytes]]:
    """Type, shape, numbers and texts of a tensor."""
    kind, shape, content, numbers, strings = 0, [], b"", list[float](), list[bytes]()
    for number, value in fields(data):
        if number == 1:
            kind = signed(value)
        elif number == 2:
            shape = [signed(size) for n, dim in fields(view(value)) if n == 2 for m, size in fields(view(dim)) if m == 1]
        elif number == 4:
            content = bytes(view(value))
        elif number in (5, 6):
            numbers += floats(value, "f" if number == 5 else "d")
        elif number == 8:
            strings.append(bytes(view(value)))
        elif number in (7, 10):
            numbers += [float(signed(value))] if isinstance(value, int) else []
    if content and kind in _NUMPY:
        if len(content) % np.dtype(_NUMPY[kind]).itemsize:
            raise Malformed("a tensor that is cut off")
        return kind, shape, np.frombuffer(content, _NUMPY[kind]), strings
    count = math.prod(size for size in shape if size > 0) if shape else 1
    if len(numbers) == 1 and 1 < count <= 1 << 20:
        numbers *= count
    return kind, shape, np.array(numbers) if numbers else None, strings


def _histogram(tag: str, step: int, at_us: int, data: memoryview) -> Histogram:
    least, limits, counts = 0.0, list[float](), list[float]()
    for number, value in fields(data):
        if number == 1:
            least = floats(value, "d")[0]
        elif number == 6:
            limits += floats(value, "d")
        elif number == 7:
            counts += floats(value, "d")
    if len(limits) != len(counts):
        raise Malformed("a histogram with other limits than counts")
    return Histogram(tag, step, at_us, [min(least, limits[0]) if limits else least, *limits], counts)


def _media(told: Told, kind: str, tag: str, step: int, contents: list[bytes]) -> None:
    for number, content in enumerate(contents):
        named = f"{tag}/{number}" if len(contents) > 1 else tag
        suffix = ".md" if kind == "text" else _suffix(content)
        told.media.append(Media(kind, named, step, suffix, content))


def _suffix(content: bytes) -> str:
    return next((suffix for magic, suffix in _SUFFIXES if content.startswith(magic)), ".bin")


def _hparams(told: Told, content: memoryview) -> None:
    """The hyperparameters with which a session began."""
    for number, started in fields(content):
        if number == 3:
            for n, entry in fields(view(started)):
                if n == 1:
                    pair = dict(fields(view(entry)))
                    if 1 in pair and 2 in pair:
                        told.params[text(pair[1])] = _scalar(view(pair[2]))


def _scalar(value: memoryview) -> Scalar:
    for number, held in fields(value):
        if number == 2:
            found = struct.unpack("<d", view(held))[0]
            return int(found) if found.is_integer() and abs(found) < 2**53 else float(found)
        if number == 3:
            return text(held)
        if number == 4:
            return bool(held)
    return None


def quantiles(histogram: Histogram) -> Iterator[tuple[str, float]]:
    """Least, middle and greatest value of a histogram, and one standard deviation of a normal one to each side: read off its buckets."""
    counts, edges = np.array(histogram.counts), np.array(histogram.edges)
    total = counts.sum() if len(counts) else 0.0
    if not total > 0:
        return
    edges = np.clip(np.nan_to_num(edges, nan=0.0), -_LARGEST, _LARGEST)
    filled = np.flatnonzero(counts > 0)
    yield "min", float(edges[filled[0]])
    sums = np.concatenate([[0.0], np.cumsum(counts)]) / total
    for name, share in (("p16", 0.16), ("p50", 0.5), ("p84", 0.84)):
        yield name, float(np.interp(share, sums, edges))
    yield "max", float(edges[filled[-1] + 1])
