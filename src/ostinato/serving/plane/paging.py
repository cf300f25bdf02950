"""Pages of a prediction log: the statistics of a segment's row groups tell which of them to read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ostinato.kernel.frozen import frozen
from ostinato.serving.plane.log import VERIFIED, cached_columns, parts_of, read_consistently

Span = tuple[Any, Any]
"""The least and the greatest value of a column, as far as it has values."""


@frozen
class Group:
    """Some thousand rows of a segment that are read together. A span is None where the segment does not tell it."""

    segment: Path
    number: int
    at: Span | None
    request_id: Span | None
    rollout: Span | None

    def within(self, since: datetime, until: datetime, rollout: str | None) -> bool:
        """Whether rows with `since <= at < until`, and of the rollout, may be in it."""
        timely = self.at is None or (self.at[0] < until and self.at[1] >= since)
        return timely and (rollout is None or _may_hold(self.rollout, rollout))


Enough = Callable[[pa.Table, datetime], bool]


def page(
    folder: Path, since: datetime, until: datetime, enough: Enough, *, newest_first: bool = False, rollout: str | None = None
) -> pa.Table:
    """Rows of a log from one end of a span of time, until `enough` says of them that nothing beyond an instant is needed.

    The groups are read in the order of their times, however many there are. A request that was answered again, after more than
    all that the log remembers, may be among them with the later answer alone.
    """
    return read_consistently(folder, partial(_page, folder, since, until, enough, newest_first, rollout))


def holding(folder: Path, request_id: str) -> pa.Table:
    """The rows of one request id. Of segments that may hold it the ids are looked through, and only groups with it are read."""
    return read_consistently(folder, partial(_holding, folder, request_id))


def read_groups(segment: Path, numbers: list[int]) -> pa.Table:
    """Some groups of a segment, with all columns."""
    with pq.ParquetFile(segment, **VERIFIED) as file:
        return file.read_row_groups(numbers)


@lru_cache(maxsize=65_536)
def groups(segment: Path) -> tuple[Group, ...]:
    """The row groups of a segment, from its statistics; cached, because a segment never changes."""
    told = pq.read_metadata(segment)
    names = told.schema.names

    def span(number: int, name: str) -> Span | None:
        column = told.row_group(number).column(names.index(name)).statistics
        return (column.min, column.max) if column is not None and column.has_min_max else None

    return tuple(
        Group(
            segment=segment,
            number=number,
            at=span(number, "at"),
            request_id=span(number, "request_id"),
            rollout=span(number, "rollout") or _none_at_all(told.row_group(number).column(names.index("rollout")).statistics),
        )
        for number in range(told.num_row_groups)
    )


def _page(folder: Path, since: datetime, until: datetime, enough: Enough, newest_first: bool, rollout: str | None) -> pa.Table:
    segments, lines = parts_of(folder)
    fits = [group for segment in segments for group in groups(segment) if group.within(since, until, rollout)]
    blind = [group for group in fits if group.at is None]
    ahead = sorted(((group.at, group) for group in fits if group.at is not None), key=lambda told: told[0][int(newest_first)])
    found = pa.concat_tables([lines, *(read_groups(g.segment, [g.number]) for g in blind)], promote_options="permissive")
    if newest_first:
        ahead.reverse()
    for at, group in ahead:
        if enough(found, at[int(newest_first)]):
            break
        found = pa.concat_tables([found, read_groups(group.segment, [group.number])], promote_options="permissive")
    return found


def _holding(folder: Path, request_id: str) -> pa.Table:
    segments, lines = parts_of(folder)
    parts = [lines]
    for segment in segments:
        if any(_may_hold(group.request_id, request_id) for group in groups(segment)):
            ids = cached_columns(segment, ("request_id",))["request_id"]
            if len(places := np.flatnonzero(pc.equal(ids, request_id).to_numpy())):
                parts.append(read_groups(segment, _groups_of(segment, places)))
    found = pa.concat_tables(parts, promote_options="permissive")
    return found.filter(pc.equal(found["request_id"], request_id))


def _groups_of(segment: Path, places: np.ndarray[Any, Any]) -> list[int]:
    told = pq.read_metadata(segment)
    ends = np.cumsum([told.row_group(number).num_rows for number in range(told.num_row_groups)])
    found: list[int] = np.unique(np.searchsorted(ends, places, side="right")).tolist()
    return found


def _may_hold(span: Span | None, value: str) -> bool:
    return span is None or bool(span[0] <= value <= span[1])


def _none_at_all(told: Any) -> Span | None:
    """The span that holds nothing, of a column that is known to be without values."""
    return ("\uffff", "") if told is not None and told.has_null_count and told.num_values == 0 else None
