"""The prediction log as a table, joined with the labels that came later."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ostinato.kernel.ref import Ref
from ostinato.serving.plane import paging
from ostinato.serving.plane.log import FEATURE, read, read_between
from ostinato.serving.types import Prediction

COLUMNS = (
    "request_id", "at", "version", "role", "key", "score", "latency_ms", "rollout", "other_version", "other_score", "label", "labelled_at",
)  # fmt: skip
"""Columns of a frame before those of the features."""
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


def frame(folder: Path, since: datetime | None, until: datetime | None) -> pa.Table:
    """The answers with `since <= at < until`, oldest first, each request once, a column per feature; without labels.

    A feature that is called like another column keeps the prefix `feature.`.
    """
    window = (since or _FIRST, until or _LAST)
    log = read(folder, within=window)
    return _joined(log, _once(_log_between(log, *window)))


def page(
    folder: Path, since: datetime | None, until: datetime | None, limit: int, *, newest_first: bool = False, rollout: str | None = None
) -> pa.Table:
    """At most `limit` rows of that frame from its beginning or its end, of one rollout where it is named; only as much is read."""
    window = (since or _FIRST, until or _LAST)
    beyond = pc.greater if newest_first else pc.less

    def enough(found: pa.Table, border: datetime) -> bool:
        given = _log_between(found, *window, rollout)
        known = given.filter(beyond(given["at"], pa.scalar(border, given["at"].type)))
        return bool(pc.count_distinct(known["request_id"]).as_py() >= limit)

    log = paging.page(folder, *window, enough, newest_first=newest_first, rollout=rollout)
    given = _once(_log_between(log, *window, rollout))
    if newest_first:
        given = given.take(np.arange(given.num_rows)[::-1])
    return _joined(log, given.slice(0, limit))


def find_prediction(folder: Path, request_id: str) -> pa.Table:
    """The row of that frame with this request id, if it was answered."""
    log = paging.holding(folder, request_id)
    return _joined(log, _once(_log_between(log, _FIRST, _LAST)))


def _log_between(log: pa.Table, since: datetime, until: datetime, rollout: str | None = None) -> pa.Table:
    """The rows of a log that answered somebody in a span of time."""
    fits = pc.and_(pc.equal(log["kind"], "answer"), pc.equal(log["status"], "answered"))
    fits = pc.and_(fits, pc.and_(pc.greater_equal(log["at"], since), pc.less(log["at"], until)))
    return log.filter(fits if rollout is None else pc.and_(fits, pc.equal(log["rollout"], rollout)))


def _once(given: pa.Table) -> pa.Table:
    """In the order of time, of each request the first answer."""
    ordered = given.sort_by([("at", "ascending"), ("request_id", "ascending")])
    places = pa.table({"request_id": ordered["request_id"], "place": np.arange(ordered.num_rows)})
    first = places.group_by("request_id").aggregate([("place", "min")])["place_min"]
    return ordered.take(np.sort(first.to_numpy()))


def _joined(log: pa.Table, given: pa.Table) -> pa.Table:
    """Answers with what the other version of their rollout would have said."""
    others = log.filter(pc.and_(pc.equal(log["kind"], "other"), pc.equal(log["status"], "answered")))
    place = pc.index_in(_pair(given), value_set=_pair(others), skip_nulls=True)
    own = {name: given[name] for name in COLUMNS if name in given.column_names}
    other = {"other_version": others["version"].take(place), "other_score": others["score"].take(place)}
    features = {_feature_name(name): given[name] for name in given.column_names if name.startswith(FEATURE)}
    return pa.table(own | other | features)


def _pair(rows: pa.Table) -> pa.ChunkedArray:
    """The key that pairs an answer with the other version's score; null where there was no rollout."""
    return pc.binary_join_element_wise(rows["request_id"], rows["rollout"], "\n")


def column_values(folder: Path, name: str, since: datetime, until: datetime) -> pa.Table | None:
    """The column of a feature, or of `score`, over the answers with `since <= at < until`, each request once; None where nobody sent it."""
    column = name if name in COLUMNS else FEATURE + name
    found = read_between(folder, since, until, ("kind", "status", "request_id", "at", column))
    found = found.filter(pc.and_(pc.equal(found["kind"], "answer"), pc.equal(found["status"], "answered"))).sort_by("at")
    if column not in found.column_names:
        return None
    first = found.group_by("request_id", use_threads=False).aggregate([(column, "first")])
    return pa.table({name: first[f"{column}_first"]})


def with_labels(found: pa.Table, labels: Mapping[str, tuple[float, datetime]]) -> pa.Table:
    """A frame with the columns `label` and `labelled_at` before those of the features."""
    known = [labels.get(request_id, (None, None)) for request_id in found["request_id"].to_pylist()]
    place = COLUMNS.index("label")
    found = found.add_column(place, "label", pa.array([value for value, _ in known], pa.float64()))
    return found.add_column(place + 1, "labelled_at", pa.array([at for _, at in known], pa.timestamp("us", "UTC")))


def predictions(model: str, found: pa.Table) -> list[Prediction]:
    """The rows of a frame, one by one."""
    return [_prediction(model, row) for row in found.to_pylist()]


def answered_ids(folder: Path, wanted: Collection[str], since: datetime | None = None, until: datetime | None = None) -> set[str]:
    """Those of the `wanted` request ids that were answered, with `since <= at < until` where these are given."""
    log = read(folder, ("kind", "status", "request_id", "at"))
    fits = pc.and_(pc.equal(log["kind"], "answer"), pc.equal(log["status"], "answered"))
    fits = pc.and_(fits, pc.is_in(log["request_id"], pa.array(sorted(wanted), pa.string())))
    if since is not None:
        fits = pc.and_(fits, pc.greater_equal(log["at"], pa.scalar(since, log["at"].type)))
    if until is not None:
        fits = pc.and_(fits, pc.less(log["at"], pa.scalar(until, log["at"].type)))
    return set(log.filter(fits)["request_id"].to_pylist())


def _prediction(model: str, row: dict[str, Any]) -> Prediction:
    other = row["other_version"]
    return Prediction(
        request_id=row["request_id"],
        at=row["at"],
        version=Ref("model", model, str(row["version"])),
        role=row["role"],
        score=row["score"],
        latency_ms=row["latency_ms"],
        features={name: value for name, value in row.items() if name not in COLUMNS},
        key=row["key"],
        label=row["label"],
        labelled_at=row["labelled_at"],
        other_version=None if other is None else Ref("model", model, str(other)),
        other_score=row["other_score"],
    )


def _feature_name(name: str) -> str:
    bare = name.removeprefix(FEATURE)
    return name if bare in COLUMNS else bare
