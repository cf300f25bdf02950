"""The rows of a dataset as events, and their point-in-time statistics at many instants at once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ostinato.features.events import NO, NONE, Bools, Events, Floats, Ints, checked, in_order, statistic
from ostinato.features.types import FeatureView

HOUR_US = 3_600_000_000

_SHORT_TEXT = 256
"""Texts of more bytes are hashed one by one."""


class History:
    """All events of a view in a dataset's version, sorted by entity, time and row id, with running sums."""

    def __init__(self, view: FeatureView, entities: Ints, events: Events) -> None:
        order = in_order(events.times, events.ids, entities)
        self._view = view
        self._events = events = events.take(order)
        self._instants = np.unique(events.times)
        self._keys = entities[order] << 32 | np.searchsorted(self._instants, events.times)
        lanes = events.lanes()
        self._sums = np.zeros((len(events) + 1, lanes.shape[1]), np.int64)
        np.cumsum(lanes, axis=0, out=self._sums[1:])
        places = np.arange(len(events))
        self._filled = [np.maximum.accumulate(np.where(p, places, -1)) for p in events.present]

    def as_of(self, entities: Ints, at: Ints) -> list[tuple[Floats, Bools]]:
        """For each feature of the view, its values for the entities (-1: unknown) as of the instants, and which of them exist."""
        columns = {name: i for i, name in enumerate(self._view.columns)}
        until = self._before(entities, at)
        spans: dict[float | None, tuple[Ints, Ints]] = {}
        answer = []
        for feature in self._view.features:
            hours = feature.window_hours
            if hours not in spans:
                since = np.searchsorted(self._keys, entities << 32) if hours is None else self._before(entities, at - window_us(hours))
                spans[hours] = since, self._sums[until] - self._sums[since]
            since, sums = spans[hours]
            column = None if feature.column is None else columns[feature.column]
            last, found = self._last(column, since, until) if feature.kind == "last" and column is not None else (NONE, NO)
            answer.append(statistic(feature.kind, sums, column, last, found))
        return answer

    def _before(self, entities: Ints, at: Ints) -> Ints:
        """How many events precede those of each entity that are later than its instant."""
        return np.searchsorted(self._keys, entities << 32 | np.searchsorted(self._instants, at, side="right"))

    def _last(self, column: int, since: Ints, until: Ints) -> tuple[Floats, Bools]:
        if not len(self._events):
            return np.zeros(len(until)), np.zeros(len(until), np.bool_)
        place = self._filled[column][np.maximum(until - 1, 0)]
        found = (until > since) & (place >= since)
        return np.where(found, self._events.values[column][place], 0.0), found


def window_us(hours: float) -> int:
    """The length of a window in whole microseconds."""
    return round(hours * HOUR_US)


def identified_rows(view: FeatureView, table: pa.Table) -> pa.Table:
    """The rows that name an entity and an instant."""
    missing = [c for c in (*view.entity, view.timestamp) if table[c].null_count]
    for column in missing:
        table = table.filter(pc.is_valid(table[column]))
    return table


def events_of(view: FeatureView, table: pa.Table) -> Events:
    """The rows of a table that `identified_rows` returned as events, in its order."""
    values, present = [], []
    for column in view.columns:
        found = np.asarray(pc.is_valid(table[column]), dtype=np.bool_)
        kept = checked(np.asarray(pc.fill_null(table[column].cast(pa.float64()), 0.0)), found, column)
        values.append(kept[0])
        present.append(kept[1])
    return Events(instants(table[view.timestamp]), row_ids([table[c] for c in view.row_id]), tuple(values), tuple(present))


def instants(column: pa.ChunkedArray) -> Ints:
    """Microseconds since 1970 of a column of instants without nulls."""
    return np.asarray(column.cast(pa.timestamp("us", "UTC")).cast(pa.int64()))


def entity_codes(columns: Sequence[pa.ChunkedArray]) -> Ints:
    """Small numbers, equal where the rows agree in all columns; -1 where one of them is null."""
    codes: Ints = np.zeros(len(columns[0]), np.int64)
    absent: Bools = np.zeros(len(codes), np.bool_)
    for column in columns:
        encoded = column.combine_chunks().dictionary_encode()
        absent |= np.asarray(pc.is_null(column), dtype=np.bool_)
        codes = codes * (len(encoded.dictionary) + 1) + np.asarray(pc.fill_null(encoded.indices, 0), dtype=np.int64)
        if len(columns) > 1:
            codes = np.unique(codes, return_inverse=True)[1].astype(np.int64)
    return np.where(absent, -1, codes)


def row_ids(columns: Sequence[pa.ChunkedArray]) -> npt.NDArray[np.uint64]:
    """64-bit hashes of the rows: of typed values, so equal in every process and for every door they came through."""
    ids: npt.NDArray[np.uint64] = np.zeros(len(columns[0]), np.uint64)
    for column in columns:
        ids = _mix(ids ^ _hashed(column))
    return ids


def _hashed(column: pa.ChunkedArray) -> npt.NDArray[np.uint64]:
    kind = column.type
    if pa.types.is_string(kind):
        texts = pc.fill_null(column.combine_chunks(), "")
        return np.where(np.asarray(pc.is_null(column), dtype=np.bool_), np.uint64(0), _hashed_texts(texts))
    if pa.types.is_floating(kind):
        numbers = np.asarray(pc.fill_null(column, 0.0), dtype=np.float64).view(np.uint64)
    else:
        whole = column.cast(pa.int32()) if pa.types.is_date(kind) else column
        numbers = np.asarray(pc.fill_null(whole.cast(pa.int64()), 0)).view(np.uint64)
    return np.where(np.asarray(pc.is_null(column), dtype=np.bool_), np.uint64(0), _mix(numbers + np.uint64(1)))


def _hashed_texts(texts: pa.Array) -> npt.NDArray[np.uint64]:
    """Hashes of texts: short ones eight bytes at a time, all rows at once; long ones each by BLAKE2b."""
    sizes = np.asarray(pc.binary_length(texts), dtype=np.uint64)
    if not len(sizes) or sizes.max() > _SHORT_TEXT:
        words = [int.from_bytes(hashlib.blake2b(v.encode(), digest_size=8).digest(), "little") for v in texts.to_pylist()]
        return np.array(words, np.uint64)
    width = -(-max(int(sizes.max()), 1) // 8)
    padded = np.array(texts.cast(pa.binary()).to_pylist(), dtype=f"S{width * 8}").view("<u8").reshape(-1, width)
    hashes = _mix(sizes)
    for place in range(width):
        hashes = _mix(hashes ^ padded[:, place])
    return hashes


def _mix(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """SplitMix64 (Steele, Lea and Flood 2014), a bijection that spreads every bit."""
    words = words + np.uint64(0x9E3779B97F4A7C15)
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))
