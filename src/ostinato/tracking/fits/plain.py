"""Parameters of any framework as a bounded number of short scalars."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ostinato.tracking.types import Scalar

_TEXT_MAX = 500
PARAMS_MAX = 500


def plain(value: Any) -> Scalar:
    """A value as a parameter: scalars exactly, containers of scalars as Python writes them, everything else by the name of its type.

    A text says nothing that differs from process to process, such as an address.

    >>> plain(np.float32(0.5)), plain((1, "a")), plain(dict), plain(object())
    (0.5, "(1, 'a')", 'dict', 'object()')
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value if not isinstance(value, str) else _short(value)
    if isinstance(value, np.generic):
        return plain(value.item())
    return _short(_text(value, 3))


def _text(value: Any, depth: int) -> str:
    if value is None or isinstance(value, bool | int | float | str | bytes):
        return repr(value)
    if isinstance(value, np.generic):
        return repr(value.item())
    if isinstance(value, np.ndarray):
        return _text(value.tolist(), depth) if value.size <= 32 else f"ndarray{value.shape}"
    if depth and isinstance(value, Mapping):
        return "{" + ", ".join(f"{_text(k, depth - 1)}: {_text(v, depth - 1)}" for k, v in _few(value.items())) + "}"
    if depth and isinstance(value, list | tuple):
        inner = ", ".join(_text(item, depth - 1) for item in _few(value))
        return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' if len(value) == 1 else ''})"
    if depth and isinstance(value, set | frozenset):
        return "{" + ", ".join(sorted(_text(item, depth - 1) for item in _few(value))) + "}"
    if hasattr(value, "__qualname__"):
        return str(value.__qualname__)
    return f"{type(value).__qualname__}()"


def _few(items: Iterable[Any]) -> Iterable[Any]:
    for n, item in enumerate(items):
        if n == 64:
            return
        yield item


def _short(text: str) -> str:
    return text if len(text) <= _TEXT_MAX else text[: _TEXT_MAX - 1] + "…"


def params_of(given: Mapping[str, Any]) -> dict[str, Scalar]:
    """The first 500 parameters, by name."""
    return {str(name): plain(value) for name, value in sorted(given.items(), key=lambda item: str(item[0]))[:PARAMS_MAX]}


def numbers(values: Mapping[str, Any], *, prefix: str = "") -> dict[str, float]:
    """Those of the values that are numbers; a tensor of one element counts.

    >>> numbers({"loss": np.float32(0.5), "name": "a", "on": True})
    {'loss': 0.5}
    """
    found = {}
    for name, value in values.items():
        number = _number(value)
        if number is not None:
            found[f"{prefix}{name}"] = number
    return found


def _number(value: Any) -> float | None:
    if isinstance(value, bool | str | bytes) or value is None:
        return None
    if getattr(value, "size", None) not in (1, None) and not callable(value.size):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf
    except Exception:  # whatever a foreign object raises, it is no number
        return None
