"""Answers: the log of predictions as a table, joined with the labels that came later."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ostinato.kernel.ref import Ref
from ostinato.serving.plane.log import FEATURE, between, read
from ostinato.serving.types import Prediction
from ostinato.storage.tables.sql import name as quoted
from ostinato.storage.tables.tables import Tables

COLUMNS = (
    "request_id", "at", "version", "role", "key", "score", "latency_ms", "rollout", "other_version", "other_score", "label", "labelled_at",
)  # fmt: skip
"""Columns of a frame before those of the features."""
_JOIN = """
SELECT a.request_id, a.at, a.version, a.role, a.key, a.score, a.latency_ms, a.rollout,
       o.version AS other_version, o.score AS other_score{features}
FROM log a
LEFT JOIN (SELECT request_id, version, score, rollout FROM log WHERE kind = 'other' AND status = 'answered') o
       ON o.request_id = a.request_id AND o.rollout = a.rollout
WHERE a.kind = 'answer' AND a.status = 'answered' AND a.at >= ? AND a.at < ?{only}
QUALIFY row_number() OVER (PARTITION BY a.request_id ORDER BY a.at) = 1
ORDER BY a.at{way}, a.request_id{way}{limit}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """Which answers of a window: of one request, of one rollout, at most so many from its beginning or its end."""

    request_id: str | None = None
    rollout: str | None = None
    limit: int | None = None
    newest_first: bool = False


ALL = Pick()
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


def frame(tables: Tables, folder: Path, since: datetime | None, until: datetime | None, pick: Pick = ALL) -> pa.Table:
    """The answers with `since <= at < until`, oldest first unless told, each request once, a column per feature; without labels.

    A feature that is called like another column keeps the prefix `feature.`.
    """
    window = (since or _FIRST, until or _LAST)
    log = read(folder, within=window)
    names = [name for name in log.column_names if name.startswith(FEATURE)]
    features = "".join(f", a.{quoted(name)} AS {quoted(_plain(name))}" for name in names)
    only = {"request_id": pick.request_id, "rollout": pick.rollout}
    only = {column: value for column, value in only.items() if value is not None}
    sql = _JOIN.format(
        features=features,
        only="".join(f" AND a.{column} = ?" for column in only),
        way=" DESC" if pick.newest_first else "",
        limit=f" LIMIT {int(pick.limit)}" if pick.limit else "",
    )
    return tables.query(sql, (*window, *only.values()), log=log)


def values(folder: Path, name: str, since: datetime, until: datetime) -> pa.Table | None:
    """The column of a feature, or of `score`, over the answers with `since <= at < until`, each request once; None where nobody sent it."""
    column = name if name in COLUMNS else FEATURE + name
    found = between(folder, since, until, ("kind", "status", "request_id", "at", column))
    found = found.filter(pc.and_(pc.equal(found["kind"], "answer"), pc.equal(found["status"], "answered"))).sort_by("at")
    if column not in found.column_names:
        return None
    first = found.group_by("request_id", use_threads=False).aggregate([(column, "first")])
    return pa.table({name: first[f"{column}_first"]})


def labelled(found: pa.Table, labels: Mapping[str, tuple[float, datetime]]) -> pa.Table:
    """A frame with the columns `label` and `labelled_at` before those of the features."""
    known = [labels.get(request_id, (None, None)) for request_id in found["request_id"].to_pylist()]
    place = COLUMNS.index("label")
    found = found.add_column(place, "label", pa.array([value for value, _ in known], pa.float64()))
    return found.add_column(place + 1, "labelled_at", pa.array([at for _, at in known], pa.timestamp("us", "UTC")))


def predictions(model: str, found: pa.Table) -> list[Prediction]:
    """The rows of a frame, one by one."""
    return [_prediction(model, row) for row in found.to_pylist()]


def answered(folder: Path, wanted: Collection[str], since: datetime | None = None, until: datetime | None = None) -> set[str]:
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


def _plain(name: str) -> str:
    bare = name.removeprefix(FEATURE)
    return name if bare in COLUMNS else bare
