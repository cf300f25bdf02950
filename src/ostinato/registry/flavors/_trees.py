"""Trees: the compiled walkers of decision trees trust their node tables, so these are checked before the first walk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.kernel.errors import Invalid


def check_trees(model: Any) -> None:
    """Refuse node tables that would lead a walk out of the table, round in a circle, or beyond the columns.

    Raises:
        Invalid: a tree of the model has such a table.
    """
    for part in _parts(model):
        kind = type(part).__name__
        if kind == "TreePredictor":
            nodes = part.nodes
            inner = nodes[nodes["is_leaf"] == 0]
            at = np.flatnonzero(nodes["is_leaf"] == 0)
            _check(at, inner["left"], inner["right"], nodes.size)
            coded = inner[inner["is_categorical"] == 1]
            if coded.size and coded["bitset_idx"].max() >= len(part.raw_left_cat_bitsets):
                raise Invalid("a tree of the model points beyond its categories", field="artifact")
            _columns(inner["feature_idx"], model.n_features_in_)
        elif kind == "Tree":
            at = np.flatnonzero(part.children_left != -1)
            _check(at, part.children_left[at], part.children_right[at], part.node_count)
            _columns(part.feature[at], part.n_features)


def _check(at: NDArray[Any], left: NDArray[Any], right: NDArray[Any], size: int) -> None:
    for child in (left.astype(np.int64), right.astype(np.int64)):
        if size == 0 or (child <= at).any() or (child >= size).any():
            raise Invalid("a tree of the model points out of its table of nodes", field="artifact")


def _columns(feature: NDArray[Any], width: int) -> None:
    if feature.size and (feature.min() < 0 or feature.max() >= width):
        raise Invalid("a tree of the model points beyond its columns", field="artifact")


def _parts(model: Any) -> Iterator[Any]:
    """Every object reachable from `model` by attributes and containers, each once."""
    seen: set[int] = set()
    waiting = [model]
    while waiting:
        part = waiting.pop()
        if id(part) in seen or isinstance(part, str | bytes | int | float | type):
            continue
        seen.add(id(part))
        yield part
        if isinstance(part, dict):
            waiting.extend(part.values())
        elif isinstance(part, list | tuple) or (isinstance(part, np.ndarray) and part.dtype.kind == "O"):
            waiting.extend(np.ravel(part).tolist() if isinstance(part, np.ndarray) else part)
        else:
            waiting.extend(getattr(part, "__dict__", {}).values())
