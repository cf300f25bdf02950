"""Frozen: how what flows through the platform is declared. A frozen, slotted, keyword-only dataclass whose class is cheap to make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, FrozenInstanceError, dataclass, field, fields
from typing import Any, NoReturn, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def frozen(cls: type[T]) -> type[T]:
    """The class as `@dataclass(frozen=True, slots=True, kw_only=True)` would make it, but for the time that takes.

    That decorator compiles six functions for each class, and hundreds of classes were a quarter of what a process costs to start.
    Here a class has an `__init__` of its own, which is called most, and shares the others.

    >>> @frozen
    ... class Point:
    ...     x: float
    ...     y: float = 0.0
    >>> Point(x=1.0), Point(x=1.0) == Point(x=1.0, y=0.0), len({Point(x=1.0), Point(x=1.0)})
    (Point(x=1.0, y=0.0), True, 1)
    >>> Point(x=1.0).x = 2.0
    Traceback (most recent call last):
    dataclasses.FrozenInstanceError: cannot assign to field 'x'
    """
    made = dataclass(init=False, repr=False, eq=False, slots=True, kw_only=True)(cls)
    for name, function in {**_SHARED, "__init__": _init(made)}.items():
        if name not in cls.__dict__:
            setattr(made, name, function)
    return made


def _init(made: Any) -> Callable[..., None]:
    """`__init__`, which sets the slots by their descriptors, past `__setattr__`."""
    known: dict[str, Any] = {"_ABSENT": MISSING}
    heads, lines = ["*"], list[str]()
    for f in fields(made):
        known |= {f"_set_{f.name}": getattr(made, f.name).__set__, f"_default_{f.name}": f.default, f"_new_{f.name}": f.default_factory}
        optional = f.default is not MISSING or f.default_factory is not MISSING
        heads.append(f"{f.name}=_default_{f.name}" if optional else f.name)
        given = f.name if f.default_factory is MISSING else f"_new_{f.name}() if {f.name} is _ABSENT else {f.name}"
        lines.append(f"_set_{f.name}(self, {given})")
    lines += ["self.__post_init__()"] * hasattr(made, "__post_init__")
    taken = ", ".join(["self", *heads] if len(heads) > 1 else ["self"])
    exec(f"def __init__({taken}): {'; '.join(lines) or 'pass'}", known)  # noqa: S102 — of the names of fields, as the standard one does
    init: Callable[..., None] = known["__init__"]
    init.__qualname__ = f"{made.__qualname__}.__init__"
    return init


def _state(self: Any) -> tuple[Any, ...]:
    return tuple([getattr(self, f.name) for f in fields(self)])


def _eq(self: Any, other: object) -> bool:
    return _state(self) == _state(other) if other.__class__ is self.__class__ else NotImplemented


def _hash(self: Any) -> int:
    return hash(_state(self))


def _repr(self: Any) -> str:
    shown = (f"{f.name}={getattr(self, f.name)!r}" for f in fields(self) if f.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _refuse(self: Any, name: str, _new: object = None) -> NoReturn:  # noqa: ARG001 — the shape of both
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _reduce(self: Any) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    return _restored, (type(self), _state(self))


def _restored(cls: Any, state: tuple[Any, ...]) -> Any:
    made = object.__new__(cls)
    for f, kept in zip(fields(cls), state, strict=True):
        object.__setattr__(made, f.name, kept)
    return made


_SHARED = {"__eq__": _eq, "__hash__": _hash, "__repr__": _repr, "__setattr__": _refuse, "__delattr__": _refuse, "__reduce__": _reduce}
