"""Trees: the compiled walkers of decision trees trust their node tables, so these are checked before the first walk.

What a table is checked against is what the artifact itself says. Boosted trees, which are walked in the process that asks, are therefore
held against the matrix as well, each time that they are given one; other trees are walked in a process apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.kernel.errors import Invalid

_BITSET = 8
"""Words in the bitset of a categorical split."""


def check_trees(model: Any) -> None:
    """Refuse node tables that would lead a walk out of the table, round in a circle, or beyond the columns of the estimator they are of.

    Raises:
        Invalid: a tree of the model has such a table.
    """
    for part, width in _parts(model):
        kind = type(part).__name__
        if kind == "TreePredictor":
            part.widest, part.coded = _checked(part, width)
            part.__class__ = _with_care(part.__class__)
        elif kind == "Tree":
            if not 0 < part.node_count <= part.capacity:
                raise Invalid("a tree of the model has more nodes than its table", field="artifact")
            at = np.flatnonzero(part.children_left != -1)
            _check(at, part.children_left[at], part.children_right[at], part.node_count)
            _columns(part.feature[at], width)


class _WithCare:
    """A boosted tree that looks at the matrix before it walks: how wide that is was decided by whatever came before it."""

    widest: int
    coded: NDArray[Any]

    def predict(self, x: Any, *, known_cat_bitsets: Any, f_idx_map: Any, n_threads: Any) -> Any:
        if self.widest >= min(x.shape[1], f_idx_map.size):
            raise Invalid("a tree of the model points beyond its columns", field="artifact")
        known = known_cat_bitsets.shape
        if self.coded.size and (f_idx_map[self.coded].max() >= known[0] or known[1] < _BITSET):
            raise Invalid("a tree of the model points beyond its categories", field="artifact")
        return super().predict(x, known_cat_bitsets, f_idx_map, n_threads)  # type: ignore[misc]

    def predict_binned(self, *_: Any, **__: Any) -> Any:
        raise Invalid("the model takes its columns as they are while it is fitted", field="artifact")


@lru_cache
def _with_care(kind: Any) -> type:
    return type(kind.__name__, (_WithCare, kind), {"__module__": kind.__module__})


def _checked(tree: Any, width: int) -> tuple[int, NDArray[Any]]:
    """The last column of those that a boosted tree looks at, and those that hold categories."""
    nodes = tree.nodes
    at = np.flatnonzero(nodes["is_leaf"] == 0)
    inner = nodes[at]
    _check(at, inner["left"], inner["right"], nodes.size)
    coded, sets = inner[inner["is_categorical"] != 0], tree.raw_left_cat_bitsets
    if coded.size and (coded["bitset_idx"].max() >= len(sets) or sets.shape[1] < _BITSET):
        raise Invalid("a tree of the model points beyond its categories", field="artifact")
    _columns(inner["feature_idx"], width)
    return int(inner["feature_idx"].max(initial=-1)), np.unique(coded["feature_idx"])


def _check(at: NDArray[Any], left: NDArray[Any], right: NDArray[Any], size: int) -> None:
    for child in (left.astype(np.int64), right.astype(np.int64)):
        if size == 0 or (child <= at).any() or (child >= size).any():
            raise Invalid("a tree of the model points out of its table of nodes", field="artifact")


def _columns(feature: NDArray[Any], width: int) -> None:
    if feature.size and (feature.min() < 0 or feature.max() >= width):
        raise Invalid("a tree of the model points beyond its columns", field="artifact")


def _parts(model: Any) -> Iterator[tuple[Any, int]]:
    """Every object reachable from `model` by attributes and containers, each once, and how many columns the estimator takes that has it."""
    seen: set[int] = set()
    waiting = [(model, 0)]
    while waiting:
        part, width = waiting.pop()
        if id(part) in seen or isinstance(part, str | bytes | int | float | type):
            continue
        seen.add(id(part))
        yield part, width
        if isinstance(part, dict):
            found = list(part.values())
        elif isinstance(part, list | tuple):
            found = list(part)
        elif isinstance(part, np.ndarray):
            found = part.ravel().tolist() if part.dtype.kind == "O" else []
        else:
            own = getattr(part, "__dict__", {})
            width, found = int(own.get("n_features_in_", width)), list(own.values())
        waiting.extend((one, width) for one in found)
