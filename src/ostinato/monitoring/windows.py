"""Windows as counts: tables counted by blocks into bins that the reference fixes once.

Counts of blocks can be added, split and drawn anew; nothing here needs a second look at the rows of the reference.
"""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ostinato.kernel.errors import Invalid
from ostinato.kernel.frozen import frozen
from ostinato.monitoring.proportions import Array

_CATEGORIES_OWN = 64
_COMMON = 5
_CATEGORIES_MAX = 10_000
_CHUNKS = 64
_SCORED, _META = "#scored", "#meta"
BLOCKS_MIN = 8


@frozen
class Grid:
    """The bins of one column.

    Numbers: `edges` between the inner bins, one more bin below `low` and above `high`, `centres` the mean of each bin in the
    reference. Categories: the commonest have a bin each, all others and those with fewer than five rows share the last.
    """

    kind: str
    centres: list[float]
    edges: list[float]
    low: float
    high: float
    categories: list[str]

    @classmethod
    def of(cls, column: pa.ChunkedArray, bins: int) -> Grid:
        """Bins of equal shares of the column; every distinct value has its own where there are no more than `bins`.

        Raises:
            Invalid: the column holds neither numbers nor categories, or nothing at all.
        """
        if column.null_count == len(column):
            raise Invalid("the reference holds no value", hint="leave the feature out of the monitor")
        if _is_number(column.type):
            return _numbers(_floats(column), bins)
        counted = column.drop_null().combine_chunks().value_counts().to_pylist()
        if len(counted) > _CATEGORIES_MAX:
            raise Invalid(f"more than {_CATEGORIES_MAX:,} categories", hint="an identifier is no feature: leave it out")
        names = [str(c["values"]) for c in sorted(counted, key=lambda c: (-c["counts"], str(c["values"])))]
        own = min(_CATEGORIES_OWN, sum(c["counts"] >= _COMMON for c in counted))
        return cls(kind="category", centres=[0.0] * (own + 1), edges=[], low=0.0, high=0.0, categories=names)

    @property
    def bins(self) -> int:
        """The number of bins."""
        return len(self.centres)

    def locate(self, column: pa.ChunkedArray) -> tuple[Array, Array]:
        """The bin of every value, -1 for missing ones, and whether the value lies outside of what the reference holds."""
        if self.kind == "category":
            return self._categories(column)
        values = _floats(column)
        cells = 1 + np.searchsorted(np.asarray(self.edges, np.float64), values, side="right")
        below, above = values < self.low, values > self.high
        cells = np.where(below, 0, np.where(above, self.bins - 1, cells))
        return np.where(np.isnan(values), -1, cells), below | above

    def _categories(self, column: pa.ChunkedArray) -> tuple[Array, Array]:
        encoded = _text(column).combine_chunks().dictionary_encode()
        position = {name: i for i, name in enumerate(self.categories)}
        codes = np.array([position.get(name, -1) for name in encoded.dictionary.to_pylist()] + [-2], np.int64)
        code = codes[pc.fill_null(encoded.indices, len(codes) - 1).to_numpy(zero_copy_only=False)]
        return np.where(code == -2, -1, np.where(code < 0, self.bins - 1, np.minimum(code, self.bins - 1))), code == -1


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind) or pa.types.is_decimal(kind))


def _floats(column: pa.ChunkedArray) -> Array:
    """Numbers as floats; missing and infinite ones as NaN."""
    try:
        values = np.asarray(pc.cast(column, pa.float64()).to_numpy(), dtype=np.float64)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise Invalid(f"expected numbers, got {column.type}", hint="the column had another type in the reference") from error
    return np.where(np.isfinite(values), values, np.nan)


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column if pa.types.is_string(column.type) else pc.cast(column, pa.string())


def _numbers(values: Array, bins: int) -> Grid:
    values = np.sort(values[~np.isnan(values)])
    if not len(values):
        raise Invalid("the reference holds no finite value", hint="leave the feature out of the monitor")
    distinct = np.unique(values)
    if len(distinct) <= bins:
        edges = (distinct[1:] + distinct[:-1]) / 2
    else:
        edges = np.unique(np.quantile(values, np.arange(1, bins) / bins))
        edges = edges[edges > distinct[0]]
    cells = np.searchsorted(edges, values, side="right")
    counts = np.bincount(cells, minlength=len(edges) + 1)
    sums = np.bincount(cells, weights=values, minlength=len(edges) + 1)
    middles = np.concatenate([[values[0]], (edges[1:] + edges[:-1]) / 2, [values[-1]]]) if len(edges) else values[:1]
    means = np.where(counts > 0, sums / np.maximum(counts, 1), middles)
    centres = [float(values[0]), *means.tolist(), float(values[-1])]
    return Grid(kind="numeric", centres=centres, edges=edges.tolist(), low=float(values[0]), high=float(values[-1]), categories=[])


@frozen
class Blocks:
    """Which block each row of a table belongs to, how many blocks there are, and what they are."""

    index: Array
    count: int
    unit: str

    @classmethod
    def of(cls, table: pa.Table, column: str) -> Blocks:
        """Blocks by the days of a time column, or by the values of any other.

        Raises:
            Invalid: the table has no such column, or rows without a block.
        """
        if column not in table.column_names:
            raise Invalid(f"no column {column!r} to make blocks of", hint=f"columns: {', '.join(table.column_names)}", field="block")
        values = table[column]
        unit = column
        if pa.types.is_timestamp(values.type):
            values, unit = pc.floor_temporal(values, unit="day"), "day"
        if values.null_count:
            raise Invalid(f"{values.null_count} rows have no {column}", hint="every row needs a block", field="block")
        encoded = values.combine_chunks().dictionary_encode()
        return cls(index=encoded.indices.to_numpy().astype(np.int64), count=len(encoded.dictionary), unit=unit)

    @classmethod
    def chunks(cls, rows: int, count: int) -> Blocks:
        """Blocks of rows at random, for tables whose rows are independent."""
        index = np.random.default_rng(rows).permutation(np.arange(rows) * count // max(1, rows))
        return cls(index=index.astype(np.int64), count=count, unit="chunk of rows")

    def tally(self, cells: Array, width: int) -> Array:
        """Counts of shape (blocks, width); cells below 0 are left out."""
        used = cells >= 0
        return np.bincount(self.index[used] * width + cells[used], minlength=self.count * width).reshape(self.count, width)


@frozen
class Counted:
    """One column, counted: `bins` of shape (blocks, bins), and known, new and missing values of shape (blocks, 3)."""

    bins: Array
    state: Array


@frozen
class Reference:
    """The counted reference of a monitor: bins, and counts by blocks. `scored` counts labels 0 and 1 by bins of the score."""

    rows: int
    unit: str
    blocks: int
    grids: dict[str, Grid]
    counted: dict[str, Counted]
    scores: Grid
    scored: Array

    @classmethod
    def of(cls, table: pa.Table, features: list[str], block: str) -> Reference:
        """Count a reference table, which holds the features, `score`, `label` and the column `block` (empty: random blocks).

        Raises:
            Invalid: a column is missing or cannot be watched.
        """
        for name in (*features, "score", "label"):
            if name not in table.column_names:
                raise Invalid(f"the reference has no column {name!r}", hint=f"columns: {', '.join(table.column_names)}", field="reference")
        blocks = Blocks.of(table, block) if block else None
        if blocks is None or blocks.count < BLOCKS_MIN:
            blocks = Blocks.chunks(table.num_rows, max(1, min(_CHUNKS, table.num_rows // 2)))
        grids, counted = {}, {}
        for name in (*features, "score"):
            try:
                grids[name] = Grid.of(table[name], bins=128)
            except Invalid as error:
                raise Invalid(f"{name}: {error.message}", hint=error.hint, field="features") from error
            counted[name] = _count(grids[name], table[name], blocks, alone=True)
        scores = Grid.of(table["score"], bins=256)
        scored = count_scores(scores, table, blocks)
        return cls(rows=table.num_rows, unit=blocks.unit, blocks=blocks.count, grids=grids, counted=counted, scores=scores, scored=scored)

    def blocks_of(self, table: pa.Table, block: str) -> Blocks:
        """The blocks of a window: days where the reference has days, else chunks as large as those of the reference."""
        if self.unit == "chunk of rows":
            return Blocks.chunks(table.num_rows, max(1, round(table.num_rows * self.blocks / self.rows)))
        return Blocks.of(table, block if block in table.column_names else "at")

    def count(self, name: str, column: pa.ChunkedArray, blocks: Blocks) -> Counted:
        """A column of a window, counted into the bins of the reference."""
        return _count(self.grids[name], column, blocks, alone=False)

    def to_table(self) -> pa.Table:
        """As a table, to be kept by its digest."""
        rows = [self._row(_SCORED, self.scores, self.scored, np.zeros((0, 3)))]
        rows += [self._row(name, self.grids[name], c.bins, c.state) for name, c in self.counted.items()]
        rows.append(
            {"column": _META, "grid": json.dumps({"rows": self.rows, "unit": self.unit, "blocks": self.blocks}), "bins": [], "state": []}
        )
        return pa.Table.from_pylist(rows)

    @staticmethod
    def _row(name: str, grid: Grid, bins: Array, state: Array) -> dict[str, object]:
        return {"column": name, "grid": json.dumps(asdict(grid)), "bins": bins.ravel().tolist(), "state": state.ravel().tolist()}

    @classmethod
    def from_table(cls, table: pa.Table) -> Reference:
        """The reverse of `to_table`."""
        *rows, last = table.to_pylist()
        meta = json.loads(last["grid"])
        parts: dict[str, tuple[Grid, Array, Array]] = {
            r["column"]: (
                Grid(**json.loads(r["grid"])),
                np.asarray(r["bins"], np.int64).reshape(meta["blocks"], -1),
                np.asarray(r["state"], np.int64).reshape(-1, 3),
            )
            for r in rows
        }
        scores, scored, _ = parts.pop(_SCORED)
        grids = {name: part[0] for name, part in parts.items()}
        counted = {name: Counted(bins=part[1], state=part[2]) for name, part in parts.items()}
        return cls(**meta, grids=grids, counted=counted, scores=scores, scored=scored)


def _count(grid: Grid, column: pa.ChunkedArray, blocks: Blocks, *, alone: bool) -> Counted:
    """Count a column; `alone` counts as new what one block holds and no other does, which is what unchanged data shows."""
    cells, outside = grid.locate(column)
    if alone:
        outside = _only_here(grid, column, blocks)
    state = np.where(cells < 0, 2, outside.astype(np.int64))
    return Counted(bins=blocks.tally(cells, grid.bins), state=blocks.tally(state, 3))


def _only_here(grid: Grid, column: pa.ChunkedArray, blocks: Blocks) -> Array:
    if grid.kind == "numeric":
        values = _floats(column)
        least, most = np.full(blocks.count, np.inf), np.full(blocks.count, -np.inf)
        np.fmin.at(least, blocks.index, values)
        np.fmax.at(most, blocks.index, values)
        if blocks.count < 2:
            return np.zeros(len(values), bool)
        low = np.where(np.arange(blocks.count) == least.argmin(), np.partition(least, 1)[1], least.min())
        high = np.where(np.arange(blocks.count) == most.argmax(), np.partition(most, -2)[-2], most.max())
        return np.asarray((values < low[blocks.index]) | (values > high[blocks.index]))
    encoded = _text(column).combine_chunks().dictionary_encode()
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    held = np.unique(np.stack([codes, blocks.index]), axis=1)[0]
    holders = np.bincount(held[held >= 0], minlength=len(encoded.dictionary) + 1)
    return np.asarray((codes >= 0) & (holders[codes] == 1))


def count_scores(scores: Grid, table: pa.Table, blocks: Blocks) -> Array:
    """Labelled rows by label and bin of the score: shape (blocks, 2·bins), label 0 first."""
    cells, _ = scores.locate(table["score"])
    label = _floats(table["label"])
    if not np.isin(label[~np.isnan(label)], (0, 1)).all():
        raise Invalid("a label is neither 0 nor 1", field="label")
    labelled = ~np.isnan(label)
    return blocks.tally(
        np.where(labelled & (cells >= 0), np.where(labelled, label, 0).astype(np.int64) * scores.bins + cells, -1), 2 * scores.bins
    )
