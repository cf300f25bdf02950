"""Export of a run as a TensorBoard event file: scalars, histograms, images, sounds, texts, hyperparameters."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

from ostinato.tracking.tensorboard.messages import put
from ostinato.tracking.tensorboard.records import framed
from ostinato.tracking.types import Artifact, Curve, Metric, Run, Scalar

_STRING = 7
_STEP = re.compile(r"^(?P<kind>images|audio|text)/(?P<tag>.+)/(?P<step>-?\d+)\.(?P<suffix>png|jpg|gif|wav|md)$")
_STATES = {"finished": 1, "failed": 2, "killed": 2}


class Door(Protocol):
    """The verbs of `Runs` that the export calls."""

    def get(self, run: str) -> Run: ...
    def metrics(self, run: str) -> dict[str, Metric]: ...
    def curve(self, run: str, key: str) -> Curve: ...
    def artifacts(self, run: str) -> list[Artifact]: ...
    def artifact(self, run: str, path: str) -> bytes: ...


@dataclass(slots=True)
class Written:
    """The result of an export; `left_out` counts files that TensorBoard cannot hold."""

    path: Path
    scalars: int = 0
    histograms: int = 0
    media: int = 0
    left_out: Counter[str] = field(default_factory=Counter)


def write(runs: Door, run: str, out: Path) -> Written:
    """A run as one event file in the folder `out`, in the place of what an earlier export of it wrote.

    TensorBoard holds values as floats of four bytes: so does the file. A metric that it cannot hold at all, none is.
    """
    told = runs.get(run)
    began = told.started_at.timestamp()
    out.mkdir(parents=True, exist_ok=True)
    written = Written(out / f"events.out.tfevents.{int(began):010d}.ostinato.{told.id}")
    timed = sorted(_events(runs, told, written), key=lambda item: item[0])
    new = written.path.with_suffix(".new")
    new.write_bytes(framed([put(1, began) + put(3, "brain.Event:2"), *(event for _, event in timed)]))
    new.replace(written.path)
    return written


def _events(runs: Door, run: Run, written: Written) -> Iterator[tuple[float, bytes]]:
    began = run.started_at.timestamp()
    if run.params:
        yield began, _event(began, 0, _hparams(run.params, began))
        yield began, _event(began, 0, _tensor("params", "text", [_table(run.params).encode()]))
    compressed = set()
    for file in runs.artifacts(run.id):
        if file.path.startswith("histograms/") and file.path.endswith(".jsonl"):
            for line in runs.artifact(run.id, file.path).decode().splitlines():
                histogram = json.loads(line)
                compressed.add(histogram["tag"])
                written.histograms += 1
                yield histogram["at_us"] / 1e6, _event(histogram["at_us"] / 1e6, histogram["step"], _histogram(histogram))
        elif (found := _STEP.match(file.path)) is not None:
            written.media += 1
            yield began, _event(began, int(found["step"]), _file(found, runs.artifact(run.id, file.path)))
        else:
            written.left_out[file.path.partition("/")[0]] += 1
    for key in runs.metrics(run.id):
        if key.rpartition("/")[0] in compressed and key.rpartition("/")[2] in ("min", "p16", "p50", "p84", "max"):
            continue
        curve = runs.curve(run.id, key)
        for step, at_us, value in zip(curve.steps, curve.times_us, curve.values, strict=True):
            written.scalars += 1
            yield at_us / 1e6, _event(at_us / 1e6, step, put(1, key) + put(2, float(value), code="f"))
    if run.ended_at is not None and run.params:
        ended = run.ended_at.timestamp()
        session = put(1, 0) + put(4, put(1, _STATES.get(run.state, 0)) + put(2, ended))
        yield ended, _event(ended, 0, put(1, "_hparams_/session_end_info") + _metadata("hparams", session))


def _event(at: float, step: int, value: bytes) -> bytes:
    return put(1, float(at)) + put(2, step) + put(5, put(1, value))


def _metadata(plugin: str, content: bytes = b"") -> bytes:
    return put(9, put(1, put(1, plugin) + put(2, content)))


def _tensor(tag: str, plugin: str, strings: list[bytes]) -> bytes:
    shape = put(2, put(2, put(1, len(strings))))
    return put(1, tag) + put(8, put(1, _STRING) + shape + b"".join(put(8, s) for s in strings)) + _metadata(plugin)


def _file(found: re.Match[str], content: bytes) -> bytes:
    """A picture, a sound or a text, in the form that every version of TensorBoard reads."""
    if found["kind"] == "text":
        return _tensor(found["tag"], "text", [content])
    if found["kind"] == "audio":
        rate = float(int.from_bytes(content[24:28], "little"))
        return put(1, found["tag"]) + put(6, put(1, rate, code="f") + put(2, 1) + put(4, content) + put(5, "audio/wav"))
    width, height = (int.from_bytes(content[n : n + 4], "big") for n in (16, 20)) if content.startswith(b"\x89PNG") else (1, 1)
    return put(1, found["tag"]) + put(4, put(1, height) + put(2, width) + put(3, 3) + put(4, content))


def _histogram(told: dict[str, Any]) -> bytes:
    """The older form, which newer versions translate: least, greatest, count, sum, sum of squares, limits, counts."""
    edges, counts = told["edges"], told["counts"]
    middles = [(low + high) / 2 for low, high in pairwise(edges)]
    sums = (sum(m**power * n for m, n in zip(middles, counts, strict=True)) for power in (1, 2))
    numbers = [edges[0], edges[-1], sum(counts), *sums]
    packed = b"".join(put(number, float(value)) for number, value in enumerate(numbers, 1))
    return put(1, told["tag"]) + put(5, packed + put(6, _doubles(edges[1:])) + put(7, _doubles(counts)))


def _doubles(values: list[float]) -> bytes:
    return b"".join(put(1, float(value))[1:] for value in values)


def _hparams(params: dict[str, Scalar], began: float) -> bytes:
    entries = b"".join(put(1, put(1, name) + put(2, _value(value))) for name, value in params.items())
    session = put(1, 0) + put(3, entries + put(5, began))
    return put(1, "_hparams_/session_start_info") + _metadata("hparams", session)


def _value(value: Scalar) -> bytes:
    if isinstance(value, bool):
        return put(4, int(value))
    return put(2, float(value)) if isinstance(value, int | float) else put(3, str(value))


def _table(params: dict[str, Scalar]) -> str:
    rows = "".join(f"| {name} | {str(value).replace('|', '&#124;')} |\n" for name, value in sorted(params.items()))
    return f"| parameter | value |\n|---|---|\n{rows}"
