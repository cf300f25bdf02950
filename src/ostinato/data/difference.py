"""Differences between two versions of a dataset.

Parts that both versions hold are the same rows, so rows are compared only where the versions differ in parts; how far a column has
moved is measured on all of its values, one column in memory at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ostinato.data.bins import edges
from ostinato.data.schema import ARROW, plain_rows, to_wire
from ostinato.data.types import ColumnShift, DatasetVersion, Difference, PairBin, Scalar, SchemaChange
from ostinato.storage.tables.sql import name as quoted
from ostinato.storage.tables.tables import Tables

_TOP = 20

Floats = NDArray[np.float64]
Side: TypeAlias = list[str] | pa.Table


def difference(tables: Tables, before: DatasetVersion, after: DatasetVersion, key: Sequence[str], limit: int) -> Difference:
    """What changed from `before` to `after`, with the first `limit` rows that came and went."""
    kinds = {c.name: c.type for c in before.schema}
    later = {c.name: c.type for c in after.schema}
    common = [name for name, kind in kinds.items() if later.get(name) == kind]
    by = list(key) if key and all(c in common for c in key) else []
    ours, theirs = (Counter(part.digest for part in version.parts) for version in (before, after))
    sides: dict[str, Side] = {
        "before": list((ours - theirs).elements()) or _empty(before),
        "after": list((theirs - ours).elements()) or _empty(after),
    }
    added, removed, changed = _rows(tables, sides, common, by, limit)
    grown = not ours - theirs and bool(ours)
    pair = [list(ours.elements()), list((theirs - ours if grown else theirs).elements())]
    moving = [name for name in common if name not in by] if ours != theirs else []
    shifts = [_shift(tables, pair, name, kinds[name]) for name in moving]
    return Difference(
        dataset=before.dataset,
        a=before.version,
        b=after.version,
        rows_a=before.rows,
        rows_b=after.rows,
        added=added.count,
        removed=removed.count,
        changed=changed if by else None,
        key=by,
        schema=[
            SchemaChange(column=name, before=kinds.get(name), after=later.get(name))
            for name in dict.fromkeys([*kinds, *later])
            if kinds.get(name) != later.get(name)
        ],
        compared="added" if grown and moving else "whole",
        columns=sorted(shifts, key=lambda s: -s.shift),
        added_sample=added.sample,
        removed_sample=removed.sample,
    )


@dataclass(frozen=True, slots=True)
class _Gone:
    """Rows that only one version holds: how many, and the first of them."""

    count: int
    sample: list[dict[str, Scalar]]


def _rows(tables: Tables, sides: dict[str, Side], common: Sequence[str], key: Sequence[str], limit: int) -> tuple[_Gone, _Gone, int]:
    """The rows that came, those that went, and how many of one key differ."""
    if not key:
        return _only(tables, sides, "after", "before", common, limit), _only(tables, sides, "before", "after", common, limit), 0
    same = " AND ".join(f"b.{quoted(c)} = a.{quoted(c)}" for c in key)
    other = " OR ".join(f"b.{quoted(c)} IS DISTINCT FROM a.{quoted(c)}" for c in common if c not in key) or "FALSE"
    changed = tables.query(f"SELECT count(*) FROM before b JOIN after a ON {same} WHERE {other}", **sides)[0][0].as_py()  # noqa: S608
    return _missing(tables, sides, "after", "before", key, limit), _missing(tables, sides, "before", "after", key, limit), changed


def _missing(tables: Tables, sides: dict[str, Side], held: str, other: str, key: Sequence[str], limit: int) -> _Gone:
    """Rows of the view `held` whose key `other` lacks."""
    same = " AND ".join(f"h.{quoted(c)} = o.{quoted(c)}" for c in key)
    only = f"FROM {held} h ANTI JOIN {other} o ON {same}"
    count = tables.query(f"SELECT count(*) {only}", **sides)[0][0].as_py()
    order = ", ".join(f"h.{quoted(c)}" for c in key)
    return _Gone(count, plain_rows(tables.query(f"SELECT h.* {only} ORDER BY {order} LIMIT {limit}", **sides)))


def _only(tables: Tables, sides: dict[str, Side], held: str, other: str, columns: Sequence[str], limit: int) -> _Gone:
    """Rows of the view `held` beyond as many equal ones in `other`."""
    chosen = ", ".join(map(quoted, columns)) or "1"
    only = f"(SELECT {chosen} FROM {held} EXCEPT ALL SELECT {chosen} FROM {other})"  # noqa: S608
    count = tables.query(f"SELECT count(*) FROM {only}", **sides)[0][0].as_py()  # noqa: S608
    return _Gone(count, plain_rows(tables.query(f"SELECT * FROM {only} ORDER BY ALL LIMIT {limit}", **sides)))  # noqa: S608


def _empty(version: DatasetVersion) -> pa.Table:
    return pa.schema([(c.name, ARROW[c.type]) for c in version.schema]).empty_table()


def _shift(tables: Tables, pair: Sequence[Sequence[str]], name: str, kind: str) -> ColumnShift:
    """The shift of one column between the parts of a pair."""
    columns = [tables.read_all(digests, [name])[name] for digests in pair]
    nulls = [column.null_count / max(1, len(column)) for column in columns]
    present = [column.drop_null() for column in columns]
    ordered = kind not in ("string", "bool")
    shift, bins = _ordered(present, kind) if ordered else _categories(present)
    return ColumnShift(
        name=name, type=kind, measure="ks" if ordered else "total_variation", shift=shift, nulls_before=nulls[0], nulls_after=nulls[1],
        bins=bins,
    )  # fmt: skip


def _ordered(pair: Sequence[pa.ChunkedArray], kind: str) -> tuple[float, list[PairBin]]:
    before, after = (np.sort(_finite(column, kind)) for column in pair)
    if not len(before) or not len(after):
        return (0.0 if len(before) == len(after) else 1.0), []
    values = np.concatenate([before, after])
    below = [np.searchsorted(side, values, side="right") / len(side) for side in (before, after)]
    ends = edges(float(min(before[0], after[0])), float(max(before[-1], after[-1])), whole=kind == "int64")
    counts = [np.histogram(side, bins=ends)[0] / len(side) for side in (before, after)]
    spans = list(zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True))
    labels = [_label(low, kind) for low, _ in spans]
    numeric = kind in ("int64", "double")
    bins = [
        PairBin(label=label, low=low if numeric else None, high=high if numeric else None, before=float(b), after=float(a))
        for label, (low, high), b, a in zip(labels, spans, *counts, strict=True)
    ]
    return float(np.abs(below[0] - below[1]).max()), bins


def _finite(column: pa.ChunkedArray, kind: str) -> Floats:
    whole = {"timestamp": pa.int64(), "date": pa.int32()}.get(kind)
    values: Floats = (column if whole is None else column.cast(whole)).cast(pa.float64()).to_numpy()
    return values[np.isfinite(values)]


def _label(low: float, kind: str) -> str:
    if kind in ("int64", "double"):
        return f"{low:g}"
    return str(to_wire(pa.scalar(int(low), pa.int32() if kind == "date" else pa.int64()).cast(ARROW[kind]).as_py()))


def _categories(pair: Sequence[pa.ChunkedArray]) -> tuple[float, list[PairBin]]:
    texts = [column.cast(pa.string()) for column in pair]
    encoded = pa.chunked_array([chunk for text in texts for chunk in text.chunks], pa.string()).combine_chunks().dictionary_encode()
    codes, names = encoded.indices.to_numpy(), encoded.dictionary
    sides = np.split(codes, [len(texts[0])])
    before, after = (np.bincount(side, minlength=len(names)) / max(1, len(side)) for side in sides)
    order = np.argsort(-(before + after), kind="stable")
    top, rest = order[:_TOP], order[_TOP:]
    bins = [_pair(label, before[i], after[i]) for label, i in zip(names.take(pa.array(top)).to_pylist(), top, strict=True)]
    if len(rest):
        bins.append(_pair(f"{len(rest)} others", before[rest].sum(), after[rest].sum()))
    alone = bool(len(sides[0])) != bool(len(sides[1]))
    return 1.0 if alone else float(np.abs(before - after).sum() / 2), bins


def _pair(label: str, before: float, after: float) -> PairBin:
    return PairBin(label=label, low=None, high=None, before=float(before), after=float(after))
