"""Splits in order of time: test rows lie after training rows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.kernel.errors import Invalid
from ostinato.kernel.frozen import frozen


@frozen
class Fold:
    """Row numbers to learn from and to test on, in the order of the rows given."""

    train: NDArray[np.int64]
    test: NDArray[np.int64]


def time_folds(times: NDArray[Any], folds: int = 5, gap: timedelta = timedelta(0)) -> list[Fold]:
    """Expanding windows: fold k learns from everything before its test rows, less the `gap` right before them.

    `times` of shape (n,) holds datetime64 or numbers of seconds. The rows fall into folds + 1 spans of about equal numbers of
    rows, of which the first is only learned from; rows of one instant are never parted. A gap as long as a label takes to
    arrive keeps labels out that were not known at the time (Bergmeir & Benítez 2012).

    >>> [(len(f.train), len(f.test)) for f in time_folds(np.arange(12), folds=3)]
    [(3, 3), (6, 3), (9, 3)]

    Raises:
        Invalid: a time is missing, or a fold would have nothing to learn from or to test on.
    """
    instants = _seconds(times)
    if folds < 1:
        raise Invalid(f"at least one fold, not {folds}", field="folds")
    ordered = np.sort(instants)
    starts = [ordered[len(ordered) * k // (folds + 1)] for k in range(1, folds + 1)]
    made = []
    for start, end in zip(starts, [*starts[1:], np.inf], strict=True):
        train = np.flatnonzero(instants < start - gap.total_seconds())
        test = np.flatnonzero((instants >= start) & (instants < end))
        if not len(train) or not len(test):
            raise Invalid(f"{len(ordered)} rows are too few for {folds} folds", hint="ask for fewer folds or a shorter gap", field="folds")
        made.append(Fold(train=train, test=test))
    return made


def holdout(times: NDArray[Any], share: float = 0.2, gap: timedelta = timedelta(0)) -> Fold:
    """The last `share` of the rows (0 to 1, both excluded) to test on, and all before them, less the `gap`, to learn from.

    >>> len(holdout(np.arange(10), share=0.3).test)
    3

    Raises:
        Invalid: the share is not between 0 and 1, or one side is empty.
    """
    if not 0 < share < 1:
        raise Invalid(f"a share lies between 0 and 1, got {share}", field="share")
    instants = _seconds(times)
    ordered = np.sort(instants)
    start = ordered[min(len(ordered) - 1, round(len(ordered) * (1 - share)))]
    train, test = np.flatnonzero(instants < start - gap.total_seconds()), np.flatnonzero(instants >= start)
    if not len(train) or not len(test):
        raise Invalid(f"{len(ordered)} rows leave one side empty", hint="choose another share or a shorter gap", field="share")
    return Fold(train=train, test=test)


def _seconds(times: NDArray[Any]) -> NDArray[np.float64]:
    given = np.asarray(times)
    if given.dtype.kind not in "Mfiu":
        raise Invalid(f"times are {given.dtype}, neither instants nor numbers", hint="np.array(times, 'datetime64[us]')", field="times")
    if given.dtype.kind == "M":
        micros = given.astype("datetime64[us]")
        seconds = np.where(np.isnat(micros), np.nan, micros.astype(np.int64) / 1e6)
    else:
        seconds = given.astype(np.float64)
    if not seconds.size or not np.isfinite(seconds).all():
        raise Invalid("every row needs a time, and there must be rows", field="times")
    return seconds
