"""The prediction log: one line per answer, written before the reply, rolled into Parquet segments in the background.

A folder holds `wal-000007.jsonl` (the lines as they came) or, once rolled, `segment-000007.parquet` in its place: whoever
reads takes the segment where both are there. Two kinds of lines: an answer with its features, and what the other version
of a rollout would have answered. A line that a crash has cut off was never answered and is dropped.
"""

from __future__ import annotations

import os
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ostinato.kernel.cache import cached

FEATURE = "feature."
"""Before the name of a feature in the name of its column."""
_ROLL_LINES = 1_000
_ROW_GROUP = 4_096
"""Rows that are read together at least: a page of answers needs few of them."""
_REMEMBERED = 100_000
T = TypeVar("T")
VERIFIED: dict[str, Any] = {"page_checksum_verification": True}
"""How segments are read: each page has a checksum, so that one that decays is not read as other numbers."""
_COLUMNS = pa.schema(
    [
        ("kind", pa.string()), ("request_id", pa.string()), ("request", pa.string()), ("at", pa.timestamp("us", "UTC")),
        ("key", pa.string()), ("version", pa.int32()), ("role", pa.string()), ("rollout", pa.string()), ("status", pa.string()),
        ("latency_ms", pa.float64()), ("score", pa.float64()), ("note", pa.string()), ("asked", pa.string()),
    ]
)  # fmt: skip
Line = dict[str, Any]
_Answered = tuple[str, int, list[float], str | None]
_GIVEN = ("answer", "answered")
"""Kind and status of a line that holds an answer which somebody got."""


class Log:
    """The one writer of a folder, with the recent answers in memory so that a repeated request is not answered twice."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._answers: OrderedDict[str, tuple[int, list[float], str | None]] = OrderedDict()
        self._rolling: threading.Thread | None = None
        numbers = _numbers(folder)
        self._number = max(numbers, default=0)
        self._recall(numbers)
        if (folder / _segment(self._number)).exists() or not self._number:
            self._number += 1
        for number in numbers:
            self._settle(number)
        self._open()

    def append(self, line: Line) -> None:
        """Write a line; it survives the death of this process once this returns.

        Raises:
            OSError: the disk refuses; the line was not written.
        """
        content = orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY)
        start = self._size
        written = os.write(self._file, content)
        if written != len(content):
            os.ftruncate(self._file, start)
            raise OSError(f"only {written} of {len(content)} bytes were written")
        self._size += written
        self._lines += 1
        if (line["kind"], line["status"]) == _GIVEN:
            self._remember(line["id"], line["version"], line["scores"], line.get("asked"))
        if self._lines >= _ROLL_LINES:
            self._roll()

    def answer(self, request_id: str) -> tuple[int, list[float], str | None] | None:
        """The version that answered this request before, its scores, and the digest of what was asked, where it is known."""
        return self._answers.get(request_id)

    def close(self) -> None:
        """Finish what is rolling; the open lines stay as they are."""
        if self._rolling is not None:
            self._rolling.join()
        os.close(self._file)

    def _open(self) -> None:
        path = self._folder / _wal(self._number)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        content = path.read_bytes()
        self._size = content.rfind(b"\n") + 1
        os.ftruncate(self._file, self._size)
        self._lines = content.count(b"\n")

    def _roll(self) -> None:
        if self._rolling is not None:
            self._rolling.join()
        os.close(self._file)
        number, self._number = self._number, self._number + 1
        self._open()
        self._rolling = threading.Thread(target=self._settle, args=(number,), name="ostinato-roll")
        self._rolling.start()

    def _settle(self, number: int) -> None:
        """Make the segment of a finished file of lines, and remove the file."""
        wal, segment = self._folder / _wal(number), self._folder / _segment(number)
        if number == self._number or not wal.exists():
            return
        if not segment.exists():
            write_segment(segment, _table(read_lines(wal)))
        wal.unlink()

    def _recall(self, numbers: Iterable[int]) -> None:
        """Remember the latest answers of an earlier process, reading from the newest file back until there are enough."""
        found: list[list[_Answered]] = []
        for number in sorted(numbers, reverse=True):
            found.append(_answers(self._folder, number))
            if sum(map(len, found)) >= _REMEMBERED:
                break
        for answers in reversed(found):
            for answer in answers:
                self._remember(*answer)

    def _remember(self, request_id: str, version: int, scores: list[float], asked: str | None) -> None:
        self._answers[request_id] = (version, scores, asked)
        if len(self._answers) > _REMEMBERED:
            self._answers.popitem(last=False)


@cached(256 << 20)
def cached_columns(segment: Path, columns: tuple[str, ...]) -> pa.Table:
    """A few fixed columns of a segment, which never changes: they are kept in memory."""
    return pq.read_table(segment, columns=list(columns), **VERIFIED)


def _rolled(segment: Path, columns: list[str] | None) -> pa.Table:
    return pq.read_table(segment, **VERIFIED) if columns is None else cached_columns(segment, tuple(columns))


def read(
    folder: Path, columns: Sequence[str] | None = None, *, batches: bool = True, within: tuple[datetime, datetime] | None = None
) -> pa.Table:
    """The rows of a log, one per scored row, in the order of the files; features stand in columns called `feature.NAME`.

    `columns` names those of the fixed columns that are wanted, None means all and the features; without `batches`, only what
    was asked for one by one is read. `within` passes over segments that hold nothing from its first instant up to its last.
    """
    wanted = None if columns is None else list(columns)

    def fits(segment: Path) -> bool:
        return within is None or overlaps(segment, *within)

    def look() -> pa.Table:
        parts = [_rolled(path, wanted) for path in sorted(folder.glob("segment-batch-*.parquet") if batches else ()) if fits(path)]
        for number in sorted(_numbers(folder)):
            segment = folder / _segment(number)
            if segment.exists():
                parts += [_rolled(segment, wanted)] if fits(segment) else []
            else:
                lines = _table(read_lines(folder / _wal(number)))
                parts.append(lines if wanted is None else lines.select(wanted))
        empty = _COLUMNS.empty_table()
        return pa.concat_tables([empty if wanted is None else empty.select(wanted), *parts], promote_options="permissive")

    return read_consistently(folder, look)


def read_between(folder: Path, since: datetime, until: datetime, columns: Sequence[str]) -> pa.Table:
    """Some columns of the rows with `since <= at < until`; of the segments only those are read that hold such rows.

    A feature, `feature.NAME`, is null in the rows of who did not send it, and no column where nobody did.
    """
    wanted = [*columns, *({"at"} - set(columns))]
    fixed = [name for name in wanted if name in _COLUMNS.names]

    def look() -> pa.Table:
        segments, lines = parts_of(folder)
        parts = [_some(segment, wanted) for segment in segments if overlaps(segment, since, until)]
        parts.append(lines.select([name for name in wanted if name in lines.column_names]))
        found = pa.concat_tables([_COLUMNS.empty_table().select(fixed), *parts], promote_options="permissive")
        return found.filter(pc.and_(pc.greater_equal(found["at"], since), pc.less(found["at"], until)))

    return read_consistently(folder, look)


def parts_of(folder: Path) -> tuple[list[Path], pa.Table]:
    """The segments of a log, and the rows of the lines that are in none yet."""
    segments, lines = sorted(folder.glob("segment-batch-*.parquet")), []
    for number in sorted(_numbers(folder)):
        segment = folder / _segment(number)
        if segment.exists():
            segments.append(segment)
        else:
            lines += read_lines(folder / _wal(number))
    return segments, _table(lines)


def read_consistently(folder: Path, look: Callable[[], T]) -> T:
    """Read the log consistently: retried if lines became a segment in between."""
    for _ in range(5):
        try:
            return look()
        except FileNotFoundError:
            continue
    raise FileNotFoundError(f"the log in {folder} keeps changing")


def _some(segment: Path, wanted: Sequence[str]) -> pa.Table:
    """Those of the columns that a segment has; the fixed ones are kept in memory, features are read anew."""
    if all(name in _COLUMNS.names for name in wanted):
        return cached_columns(segment, tuple(wanted))
    with pq.ParquetFile(segment, **VERIFIED) as file:
        return file.read(columns=[name for name in wanted if name in file.schema_arrow.names])


@lru_cache(maxsize=65_536)
def _span(segment: Path) -> tuple[datetime, datetime] | None:
    """The first and the last instant in a segment, which never changes, by its own statistics; None if they do not tell."""
    told = pq.read_metadata(segment)
    groups = [told.row_group(number).column(_COLUMNS.get_field_index("at")).statistics for number in range(told.num_row_groups)]
    if not groups or any(group is None or not group.has_min_max for group in groups):
        return None
    return min(group.min for group in groups), max(group.max for group in groups)


def overlaps(segment: Path, since: datetime, until: datetime) -> bool:
    """Whether a segment may hold rows with `since <= at < until`."""
    span = _span(segment)
    return span is None or (span[0] < until and span[1] >= since)


def fingerprint(folder: Path) -> tuple[tuple[str, int], ...]:
    """Changes whenever the log does, without reading it."""
    try:
        return tuple(sorted((entry.name, entry.stat().st_size) for entry in os.scandir(folder)))
    except FileNotFoundError:
        return ()


def write_segment(path: Path, rows: pa.Table) -> None:
    """Write rows as a segment, atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    pq.write_table(rows, beside, compression="zstd", write_page_checksum=True, row_group_size=_ROW_GROUP)
    with beside.open("rb") as file:
        os.fsync(file.fileno())
    beside.replace(path)


def batch_rows(
    ids: Sequence[str], times: Sequence[datetime], scores: Sequence[float], features: Mapping[str, pa.ChunkedArray], version: int, note: str
) -> pa.Table:
    """The rows of a log for answers that were given in batch, all by one version."""
    given: dict[str, Any] = {"request_id": ids, "request": ids, "at": times, "score": scores}
    same = {"kind": "answer", "version": version, "role": "batch", "status": "answered", "latency_ms": 0.0, "note": note}
    fixed = [
        pa.array(given[f.name], f.type) if f.name in given else pa.repeat(pa.scalar(same.get(f.name), f.type), len(ids)) for f in _COLUMNS
    ]
    names = sorted(features)
    return pa.table([*fixed, *(features[n] for n in names)], names=[*_COLUMNS.names, *(FEATURE + n for n in names)])


def read_lines(path: Path) -> list[Line]:
    """The complete lines of a file."""
    content = path.read_bytes()
    return [orjson.loads(line) for line in content[: content.rfind(b"\n") + 1].splitlines()]


def _answers(folder: Path, number: int) -> list[_Answered]:
    """The answers in one file, rolled or not: request, version, scores."""
    segment = folder / _segment(number)
    if not segment.exists():
        lines = read_lines(folder / _wal(number))
        given = [line for line in lines if (line["kind"], line["status"]) == _GIVEN]
        return [(line["id"], line["version"], line["scores"], line.get("asked")) for line in given]
    columns = pq.read_table(segment, columns=["kind", "status", "request", "version", "score", "asked"], **VERIFIED).to_pydict()
    grouped: dict[str, _Answered] = {}
    for kind, status, request, version, score, asked in zip(*columns.values(), strict=True):
        if (kind, status) == _GIVEN:
            grouped.setdefault(request, (request, version, [], asked))[2].append(score)
    return list(grouped.values())


def _table(lines: Iterable[Line]) -> pa.Table:
    fixed: dict[str, list[Any]] = {name: [] for name in _COLUMNS.names}
    features: list[dict[str, Any]] = []
    for line in lines:
        scores = line["scores"]
        given = line.get("features") or {}
        for row, score in enumerate(scores):
            own = {
                "request_id": line["id"] if len(scores) == 1 else f"{line['id']}/{row}", "request": line["id"],
                "latency_ms": line["ms"], "score": score,
            }  # fmt: skip
            for name, column in fixed.items():
                column.append(own[name] if name in own else line.get(name))
            features.append({name: values[row] for name, values in given.items()})
    arrays = [pa.array(fixed[f.name], f.type) for f in _COLUMNS]
    names = sorted({name for row in features for name in row})
    return pa.table(
        [*arrays, *(pa.array([row.get(name) for row in features]) for name in names)],
        names=[*_COLUMNS.names, *(FEATURE + name for name in names)],
    )


def _numbers(folder: Path) -> set[int]:
    return (
        {int(m[1]) for entry in os.listdir(folder) if (m := re.fullmatch(r"(?:wal|segment)-(\d{6})\.(?:jsonl|parquet)", entry))}
        if folder.exists()
        else set()
    )


def _wal(number: int) -> str:
    return f"wal-{number:06d}.jsonl"


def _segment(number: int) -> str:
    return f"segment-{number:06d}.parquet"
