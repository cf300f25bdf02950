"""Outline: a series as a plot shows it, by what lies in each of equal stretches of steps or of time.

Stretches are powers of two wide and begin at multiples of their width, in every series and every chunk of one. So cells of a narrow width
add up to those of any wider one, whatever order the points came in: a full chunk keeps 33 to 65 cells, and a wide look reads no points.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.kernel.frozen import frozen

CELL = np.dtype([("x", "<i8"), ("n", "<i8"), ("low", "<f8"), ("high", "<f8"), ("mean", "<f8")])
"""The points of a stretch: the least `x`, how many are not NaN, and of these the extremes (NaN if there are none) and the mean (then 0)."""

Cells = NDArray[np.void]
_CELLS_BITS = 6


@frozen
class Outline:
    """Columns, one row for each stretch in which there are points: its least step or time in µs, the extremes and the mean of the values.

    NaN are passed over; a stretch that has nothing else is NaN. Stretches are `width` wide; empty ones are left out.
    """

    width: int
    x: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    mean: NDArray[np.float64]

    @classmethod
    def of(cls, cells: Cells, shift: int) -> Outline:
        """Of cells that are gathered by that shift."""
        mean = np.where(cells["n"] > 0, cells["mean"], np.nan)
        x, low, high = cells["x"].astype(np.float64), cells["low"].copy(), cells["high"].copy()
        return cls(width=1 << shift, x=x, low=low, high=high, mean=mean)


def raw(x: NDArray[np.int64], value: NDArray[np.float64]) -> Cells:
    """Each point as a cell of its own."""
    made, absent = np.empty(len(x), CELL), np.isnan(value)
    made["x"], made["n"], made["low"], made["high"], made["mean"] = x, ~absent, value, value, np.where(absent, 0, value)
    return made


def gathered(cells: Cells, shift: int) -> Cells:
    """Cells `2**shift` wide, by their place, of cells that are narrower."""
    return _gathered(shift, *(cells[name] for name in CELL.names or ())) if len(cells) else cells


def kept(x: NDArray[np.int64], value: NDArray[np.float64]) -> tuple[int, bytes]:
    """The shift by which a chunk keeps its cells, and these."""
    shift, present = shift_of(int(x.max()) - int(x.min()) + 1, 1 << _CELLS_BITS), ~np.isnan(value)
    return shift, _gathered(shift, x, present.astype(np.int64), value, value, np.where(present, value, 0)).tobytes()


def _gathered(shift: int, *columns: NDArray[Any]) -> Cells:
    place = columns[0] >> shift
    if (place[1:] < place[:-1]).any():
        order = np.argsort(place, kind="stable")
        place, columns = place[order], tuple(column[order] for column in columns)
    x, n, low, high, mean = columns
    starts = np.append(0, np.flatnonzero(place[1:] != place[:-1]) + 1)
    made = np.empty(len(starts), CELL)
    made["x"], made["n"] = np.minimum.reduceat(x, starts), np.add.reduceat(n, starts)
    made["low"], made["high"] = np.fmin.reduceat(low, starts), np.fmax.reduceat(high, starts)
    of = np.repeat(np.maximum(made["n"], 1), np.diff(starts, append=len(place)))
    with np.errstate(invalid="ignore", over="ignore"):  # the mean of infinities of both signs is NaN, as everywhere
        summed = np.add.reduceat(mean * (n / of), starts)
    made["mean"] = np.where(made["n"] > 0, np.clip(summed, made["low"], made["high"]), 0)  # rounding must not leave the extremes
    return made


def shift_of(span: int, cells: int) -> int:
    """The least shift by which so many cells reach over a span.

    >>> shift_of(1000, 1000), shift_of(1001, 1000), shift_of(1_000_000, 1000)
    (0, 1, 10)
    """
    return ((span - 1) // cells).bit_length()
