"""Columns of events in order of time, and exact sums over them.

Every statistic comes from differences of sums of 64-bit integers. A number is cut into its whole part and two pieces of 26
bits of its fraction, so sums neither round nor depend on the order or on where a history starts; a training set and
the online store therefore answer the same bits. Fractions are kept to 2**-52: exact from 1 upwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ostinato.kernel.errors import Invalid

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

LIMIT = 2**43
"""Greater magnitudes are refused, so that the sum of a million of them still fits."""

LANES = 4
"""Sums kept for each column: how many values, whole parts, and two pieces of the fraction."""

NEVER = -(2**63)
"""The time of what has not happened."""

NONE: Floats = np.zeros(0)
NO: Bools = np.zeros(0, np.bool_)
"""The last values where none are asked for."""

_PIECE = 26
_MASK = 2**_PIECE - 1


@dataclass(frozen=True, slots=True)
class Events:
    """Events of one entity, or of many in turn: microseconds since 1970, row ids, and for each column values and which are present."""

    times: Ints
    ids: npt.NDArray[np.uint64]
    values: tuple[Floats, ...]
    present: tuple[Bools, ...]

    def __len__(self) -> int:
        return len(self.times)

    def take(self, where: slice | Ints | Bools) -> Events:
        """The events at the given places."""
        return Events(self.times[where], self.ids[where], tuple(v[where] for v in self.values), tuple(p[where] for p in self.present))

    def over(self, older: Events) -> Events:
        """Both together, in order; of two with the same time and row id, this one's."""
        both = Events(
            np.concatenate([older.times, self.times]),
            np.concatenate([older.ids, self.ids]),
            tuple(np.concatenate(pair) for pair in zip(older.values, self.values, strict=True)),
            tuple(np.concatenate(pair) for pair in zip(older.present, self.present, strict=True)),
        )
        return both.take(in_order(both.times, both.ids))

    def lanes(self) -> Ints:
        """One row an event: 1, then for each column what the event adds to its four sums."""
        lanes = np.zeros((len(self), 1 + LANES * len(self.values)), np.int64)
        lanes[:, 0] = 1
        for place, (values, present) in enumerate(zip(self.values, self.present, strict=True)):
            whole = np.floor(values)
            fraction = np.rint((values - whole) * 2.0 ** (2 * _PIECE)).astype(np.int64)
            at = 1 + LANES * place
            lanes[:, at] = present
            lanes[:, at + 1] = whole
            lanes[:, at + 2] = fraction >> _PIECE
            lanes[:, at + 3] = fraction & _MASK
        return lanes

    def pack(self) -> bytes:
        """The events as bytes, for `unpack`."""
        return b"".join(a.tobytes() for a in (self.times, self.ids, *self.values, *self.present))

    @classmethod
    def unpack(cls, packed: bytes, columns: int) -> Events:
        """The events that `pack` wrote, without a copy."""
        n = len(packed) // (16 + 9 * columns)
        words = np.frombuffer(packed, np.int64, n * (2 + columns)).reshape(2 + columns, n)
        flags = np.frombuffer(packed, np.bool_, n * columns, offset=8 * n * (2 + columns)).reshape(columns, n)
        return cls(words[0], words[1].view(np.uint64), tuple(w.view(np.float64) for w in words[2:]), tuple(flags))

    @classmethod
    def none(cls, columns: int) -> Events:
        """No events."""
        return cls.unpack(b"", columns)


def in_order(times: Ints, ids: npt.NDArray[np.uint64], groups: Ints | None = None) -> Ints:
    """The places of the events by group, time and row id; of several that agree in these, the one that came last."""
    keys = (ids, times) if groups is None else (ids, times, groups)
    order = np.lexsort(keys)
    again = np.ones(max(len(order) - 1, 0), np.bool_)
    for key in keys:
        ordered = key[order]
        again &= ordered[1:] == ordered[:-1]
    kept: Ints = order[np.append(~again, np.ones(min(len(order), 1), np.bool_))]
    return kept


def checked(values: Floats, present: Bools, column: str) -> tuple[Floats, Bools]:
    """Values fit for `Events`: what is not finite counts as null, and null is held as 0.

    Raises:
        Invalid: a magnitude reaches 2**43.
    """
    present = present & np.isfinite(values)
    values = np.where(present, values, 0.0)
    if np.any(np.abs(values) >= LIMIT):
        raise Invalid(f"column {column} holds numbers of 2**43 (8.8e12) and more", hint="choose a larger unit", field=column)
    return values, present


def statistic(kind: str, sums: Ints, column: int | None, last: Floats, found: Bools) -> tuple[Floats, Bools]:
    """A feature's values, and which of them exist.

    `sums` are differences of sums of lanes, one row for each value asked; `last` and `found` are the last values.
    """
    if kind == "last":
        return last, found
    if column is None:
        return sums[:, 0].astype(np.float64), np.ones(len(sums), np.bool_)
    count, whole, high, low = (sums[:, 1 + LANES * column + lane] for lane in range(LANES))
    if kind == "count":
        return count.astype(np.float64), np.ones(len(sums), np.bool_)
    high = high + (low >> _PIECE)
    whole = whole + (high >> _PIECE)
    fraction = ((high & _MASK) << _PIECE) | (low & _MASK)
    total = whole.astype(np.float64) + fraction.astype(np.float64) * 2.0 ** (-2 * _PIECE)
    filled = count > 0
    return (total / np.maximum(count, 1) if kind == "mean" else total), filled


def pieces(times: Ints, size: int) -> Sequence[slice]:
    """Cuts of about `size` events each that never part events of the same instant."""
    cuts, start = [], 0
    while start < len(times):
        end = min(start + size, len(times))
        while end < len(times) and times[end] == times[end - 1]:
            end += 1
        cuts.append(slice(start, end))
        start = end
    return cuts
