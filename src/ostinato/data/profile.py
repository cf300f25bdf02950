"""Exact statistics of columns, one column in memory at a time."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ostinato.data.bins import edges
from ostinato.data.schema import to_wire
from ostinato.data.types import Bin, ColumnProfile, Count

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_TOP = 10


def profile_column(name: str, kind: str, values: pa.ChunkedArray) -> ColumnProfile:
    """The profile of one column of type `kind`."""
    present = values.drop_null()
    counted = present.value_counts() if kind != "double" else None
    distinct = len(counted) if counted is not None else pc.count_distinct(present).as_py()
    profile = ColumnProfile(name=name, type=kind, rows=len(values), nulls=values.null_count, distinct=distinct)
    if not len(present):
        return profile
    if kind in ("int64", "double"):
        return _numbers(profile, present.to_numpy())
    ends = pc.min_max(present).as_py()
    return _with(profile, minimum=to_wire(ends["min"]), maximum=to_wire(ends["max"]), top=[] if counted is None else _top(counted))


def _numbers(profile: ColumnProfile, numbers: np.ndarray) -> ColumnProfile:
    finite = numbers[np.isfinite(numbers)]
    if not len(finite):
        return profile
    ends_of = edges(float(finite.min()), float(finite.max()), whole=profile.type == "int64")
    counts = np.histogram(finite, bins=ends_of)[0]
    bins = [Bin(low=a, high=b, rows=n) for a, b, n in zip(ends_of[:-1].tolist(), ends_of[1:].tolist(), counts.tolist(), strict=True)]
    quantiles = [float(q) for q in np.quantile(finite, QUANTILES)]
    ends = {"minimum": finite.min().item(), "maximum": finite.max().item(), "mean": float(finite.mean())}
    return _with(profile, **ends, quantiles=quantiles, histogram=bins)


def _top(counted: pa.StructArray) -> list[Count]:
    rows = counted.field("counts").to_numpy()
    best = np.argsort(-rows, kind="stable")[:_TOP]
    values = counted.field("values").take(pa.array(best)).to_pylist()
    return [Count(value=to_wire(v), rows=int(n)) for v, n in zip(values, rows[best], strict=True)]


def _with(profile: ColumnProfile, **found: object) -> ColumnProfile:
    known = {f: getattr(profile, f) for f in ("name", "type", "rows", "nulls", "distinct")}
    return ColumnProfile(**known, **found)  # type: ignore[arg-type]
