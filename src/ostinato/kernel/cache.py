"""An LRU cache of function results, bounded by the memory that they take."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from threading import Lock
from typing import Any, ParamSpec, Protocol, TypeVar


class Sized(Protocol):
    """Something that knows how much memory it takes, such as an array or a table."""

    @property
    def nbytes(self) -> int:
        """Bytes."""
        ...


P = ParamSpec("P")
Value = TypeVar("Value", bound=Sized)


def cached(bytes_max: int) -> Callable[[Callable[P, Value]], Callable[P, Value]]:
    """Cache the results of a function that depends only on its positional arguments. The most recently used results
    are kept, as many as fit into `bytes_max`."""

    def decorate(function: Callable[P, Value]) -> Callable[P, Value]:
        values: OrderedDict[tuple[Any, ...], Value] = OrderedDict()
        lock, used = Lock(), 0

        @wraps(function)
        def asked(*args: P.args, **kwargs: P.kwargs) -> Value:
            nonlocal used
            with lock:
                if args in values:
                    values.move_to_end(args)
                    return values[args]
            value = function(*args, **kwargs)  # two threads may do so at once, and both are right
            with lock:
                if args not in values and value.nbytes <= bytes_max:
                    values[args] = value
                    used += value.nbytes
                while used > bytes_max:
                    used -= values.popitem(last=False)[1].nbytes
            return value

        return asked

    return decorate
