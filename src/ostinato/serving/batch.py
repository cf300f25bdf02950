"""Batch scoring of a dataset by an endpoint's version, in chunks, into the prediction log."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ostinato.kernel.digest import digest_of
from ostinato.kernel.errors import Invalid
from ostinato.pipelines.context import current
from ostinato.pipelines.definition import pipeline, step
from ostinato.registry.types import Field
from ostinato.serving.plane.log import batch_rows, write_segment
from ostinato.serving.plane.scoring import checked
from ostinato.serving.prediction_table import answered_ids

TARGET = "ostinato.serving.batch:batch"
_CHUNK_ROWS = 20_000
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
_INSTANT = pa.timestamp("us", "UTC")


@pipeline(name="batch")
def batch(endpoint: str, dataset: str, key: str, views: list[str] | None, at: str, request_id: str, since: str, until: str) -> Any:
    """Score a dataset: features as of each row's own instant, then the model, then the log."""
    chosen = choose(endpoint, views)
    return score(features(dataset, chosen, at, since, until), chosen, endpoint, key, at, request_id).value()


@step(cache=False)
def choose(endpoint: str, views: list[str] | None) -> dict[str, Any]:
    """The version that serves now, which the whole execution keeps to, and the views that it reads."""
    app = current().app
    version = app.models.get(str(app.endpoints.get(endpoint).version))
    return {"model": f"{version.model}@{version.version}", "views": version.features if views is None else views}


@step(cache=False)
def features(dataset: str, chosen: dict[str, Any], at: str, since: str, until: str) -> pa.Table:
    """The rows of the dataset with `since <= at < until`, joined with their features as they were known at `at`."""
    app = current().app
    first, last = (datetime.fromisoformat(text) if text else None for text in (since, until))
    if app.datasets.get(app.datasets.version(dataset).dataset).contract.time == at:
        rows: pa.Table = app.datasets.table(dataset, since=first, until=last)
    else:
        rows = app.datasets.table(dataset)
        if first or last:
            when = rows[at].cast(_INSTANT)
            rows = rows.filter(pc.and_(pc.greater_equal(when, _instant(first or _FIRST)), pc.less(when, _instant(last or _LAST))))
    if not chosen["views"]:
        return rows
    if not at:
        raise Invalid("the model reads features, which need the instant of each row", hint="at='the column of the instant'", field="at")
    return app.features.training_set(rows, chosen["views"], at=at)


@step(cache=False)
def score(rows: pa.Table, chosen: dict[str, Any], endpoint: str, key: str, at: str, request_id: str) -> dict[str, Any]:
    """Score the rows whose request ids the endpoint has not answered, log each chunk whole, and store the answers as a table.

    A chunk lies in the log as one file named after `key` and its place, so doing it again after a crash changes nothing.
    """
    app = current().app
    folder: Path = app.endpoints.log_folder(endpoint)
    version, predictor = app.models.get(chosen["model"]), app.models.scorer(chosen["model"])
    ids = [str(i) for i in rows[request_id].to_pylist()] if request_id else [f"{key}/{i}" for i in range(rows.num_rows)]
    missing = [name for name in version.signature.names if name not in rows.column_names]
    if missing:
        raise Invalid(
            f"{version.ref} takes {', '.join(missing)}, which the rows do not have", hint="name the views that hold them", field="views"
        )
    if len(set(ids)) != len(ids):
        raise Invalid(f"the column {request_id!r} names a request twice", field="request_id")
    times = rows[at].cast(_INSTANT).to_pylist() if at else [app.clock.now()] * rows.num_rows
    stamp, scored = digest_of([endpoint, key])[:16], 0
    kept = [pa.schema([("request_id", pa.string()), ("score", pa.float64())]).empty_table()]
    for number, start in enumerate(range(0, rows.num_rows, _CHUNK_ROWS)):
        chunk = rows.slice(start, _CHUNK_ROWS)
        part = slice(start, start + chunk.num_rows)
        columns = {f.name: _column(f, chunk[f.name]) for f in version.signature.inputs}
        scores = checked(predictor.predict(columns), chunk.num_rows).tolist()
        segment = folder / f"segment-batch-{stamp}-{number:05d}.parquet"
        if not segment.exists():
            known = answered_ids(folder, ids[part])
            inputs = {f.name: chunk[f.name].cast(pa.string() if f.dtype == "string" else pa.float64()) for f in version.signature.inputs}
            answers = batch_rows(ids[part], times[part], scores, inputs, version.version, key)
            write_segment(segment, answers.filter(pa.array([i not in known for i in ids[part]])))
        scored += pq.read_metadata(segment).num_rows
        kept.append(pa.table({"request_id": pa.array(ids[part], pa.string()), "score": scores}))
    blob = app.tables.write(pa.concat_tables(kept))
    return {
        "endpoint": endpoint, "version": str(version.ref), "rows": rows.num_rows, "scored": scored, "skipped": rows.num_rows - scored,
        "digest": blob.digest,
    }  # fmt: skip


def _instant(when: datetime) -> pa.Scalar:
    return pa.scalar(when, _INSTANT)


def _column(field: Field, column: pa.ChunkedArray) -> np.ndarray[Any, Any]:
    if field.dtype == "string":
        values = np.empty(len(column), object)
        values[:] = column.to_pylist()
        return values
    return np.array(column.cast(pa.float64()).fill_null(float("nan")).to_numpy(), float)
