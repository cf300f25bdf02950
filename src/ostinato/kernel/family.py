"""Family: a folder of interchangeable things, one file each, discovered and never registered."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from numbers import Integral, Real
from types import UnionType
from typing import Any, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

from ostinato.kernel.errors import Invalid, MissingExtra, NotFound

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Member:
    """A member as listings show it: its name, one line about it, and the JSON Schema of its parameters."""

    name: str
    summary: str
    parameters: dict[str, Any]


class Family(Generic[T]):
    """The members of the package `package`, one class per file, named as the file.

    A file `in_range.py` holds the class `InRange`; files with a leading underscore are not members. Packages outside
    join through an entry-point group that is called as the package. A member is imported only when asked for.
    """

    def __init__(self, package: str) -> None:
        self.package = package

    def names(self) -> list[str]:
        """All names, sorted; nothing is imported but the folder itself."""
        return sorted(self._own() | set(_outside(self.package)))

    def get(self, name: str) -> type[T]:
        """The class of the member `name`.

        Raises:
            NotFound: no such member; the hint proposes the nearest.
            MissingExtra: the member needs a package that is not installed.
        """
        outside = None if name in (own := self._own()) else _outside(self.package).get(name)
        if outside is None and name not in own:
            raise NotFound.named(f"member of {self.package}", name, self.names())
        try:
            if outside is not None:
                return outside.load()  # type: ignore[no-any-return]
            module = importlib.import_module(f"{self.package}.{name}")
        except ModuleNotFoundError as error:
            if error.name and not error.name.startswith("ostinato"):
                raise MissingExtra(f"{name} needs {error.name}, which is not installed", hint=f"pip install {error.name}") from error
            raise
        found: type[T] = getattr(module, "".join(part.capitalize() for part in name.split("_")))
        return found

    def _own(self) -> set[str]:
        folder = importlib.import_module(self.package)
        return {m.name for m in pkgutil.iter_modules(folder.__path__) if not m.name.startswith("_")}

    def make(self, name: str, parameters: dict[str, Any] | None = None) -> T:
        """The member `name` with its parameters.

        Raises:
            Invalid: a parameter is unknown, missing or of another type; the hint lists the known ones.
        """
        cls = self.get(name)
        _check_types(name, cls, parameters or {})
        try:
            return cls(**(parameters or {}))
        except TypeError as error:
            known = ", ".join(inspect.signature(cls).parameters) or "none"
            raise Invalid(f"{name}: {error}", hint=f"parameters of {name}: {known}", field=name) from error

    def describe(self) -> list[Member]:
        """Every member that can be imported here, for listings, forms and docs."""
        members = []
        for name in self.names():
            try:
                cls = self.get(name)
            except MissingExtra as error:
                members.append(Member(name, f"needs an extra: {error.hint}", {}))
            else:
                members.append(Member(name, (inspect.getdoc(cls) or "").split("\n")[0], parameters_of(cls)))
        return members


@cache
def _outside(group: str) -> dict[str, EntryPoint]:
    """The members that installed packages add; reading their metadata takes milliseconds, so it is done once per process."""
    return {e.name: e for e in entry_points(group=group)}


def _check_types(name: str, cls: type[Any], parameters: dict[str, Any]) -> None:
    """Refuse what is not of the annotated type before the member meets it: parameters come from outside."""
    hints = get_type_hints(cls) if is_dataclass(cls) else {}
    for key, value in parameters.items():
        if not _fits(value, hints.get(key, Any)):
            wanted = getattr(hints[key], "__name__", None) if get_origin(hints[key]) is None else None
            raise Invalid(f"{name}: {key} is no {wanted or hints[key]}: {repr(value)[:100]}", hint=f"change {key}", field=key)


def _fits(value: Any, kind: Any) -> bool:
    """Whether a plain value is of an annotated kind; an annotation of anything else than plain values promises nothing."""
    parts = get_args(kind)
    if get_origin(kind) in (Union, UnionType):
        return any(_fits(value, part) for part in parts)
    if get_origin(kind) is list:
        return isinstance(value, list | tuple) and all(_fits(item, parts[0]) for item in value)
    if get_origin(kind) is dict:
        return isinstance(value, dict) and all(_fits(k, parts[0]) and _fits(v, parts[1]) for k, v in value.items())
    if kind in (int, float):
        return isinstance(value, Integral if kind is int else Real) and not isinstance(value, bool)
    return isinstance(value, kind) if kind in (str, bool, type(None)) else True


_JSON_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}


def parameters_of(cls: type[Any]) -> dict[str, Any]:
    """The JSON Schema of the fields of a dataclass with simple fields."""
    if not is_dataclass(cls):
        return {}
    hints = get_type_hints(cls)
    schema: dict[str, Any] = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    for field in fields(cls):
        kind = _JSON_TYPES.get(hints[field.name])
        schema["properties"][field.name] = {"type": kind} if kind else {}
        if field.default is not MISSING:
            if kind or field.default is None:
                schema["properties"][field.name]["default"] = field.default
        elif field.default_factory is MISSING:
            schema["required"].append(field.name)
    return schema
