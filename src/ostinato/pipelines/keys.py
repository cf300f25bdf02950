"""Cache keys: what a memoized call depends on, in parts, so that it can be said which part changed.

Seen in the code of a step: its bytecode, names, constants, defaults and closure, and the same of every function,
class and constant of the step's own top-level package that it reaches by global names, attributes of modules, closures
and imports within functions. Seen in the environment: the version of Python, and of each installed distribution that
the modules so reached import. Comments, docstrings, formatting, file names and line numbers do not count.

Not seen: what is reached by computed names (`getattr`, `importlib`, registries filled at run time, methods of
instances that are passed as values), the state of objects that are not plain constants, data files, environment
variables, and code of other packages beyond their version. Give such things as arguments, or use `cache=False`.
"""

from __future__ import annotations

import dis
import functools
import hashlib
import importlib
import importlib.util
import inspect
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

_CONSTANTS = (str, bytes, int, float, complex, bool, type(None), type(...))
_CONTAINERS = (tuple, list, set, frozenset, dict)


@dataclass(frozen=True, slots=True)
class Source:
    """The code and the environment of a step: digests by qualified name, versions by name, and one digest of all."""

    code: dict[str, str]
    environment: dict[str, str]
    digest: str


def source_of(function: Any) -> Source:
    """The dependencies of a function besides its arguments; equal in every process with the same code."""
    walk = _Walk(function.__module__)
    walk.reach(function)
    code = dict(sorted(walk.parts.items()))
    environment = {"python": platform.python_version()} | _versions(walk)
    digest = hashlib.sha256(
        repr((f"{function.__module__}.{function.__qualname__}", code, sorted(environment.items()))).encode()
    ).hexdigest()
    return Source(code, environment, digest)


class _Walk:
    """Visits everything of one project that a function reaches."""

    def __init__(self, module: str) -> None:
        self.project = module.partition(".")[0]
        self.parts: dict[str, str] = {}
        self.modules: set[str] = set()
        self.imports: set[str] = set()
        self._seen: set[int] = set()
        self._walked: set[tuple[str, int]] = set()
        self._alive: list[Any] = []

    def reach(self, thing: Any) -> None:
        """Visit a function, class, module member or constant."""
        thing = _unwrapped(thing)
        if id(thing) in self._seen:
            return
        self._seen.add(id(thing))
        self._alive.append(thing)  # ids are only unique among the living
        if isinstance(thing, FunctionType) and self._ours(thing.__module__):
            self._function(thing)
        elif isinstance(thing, type) and self._ours(thing.__module__):
            self._class(thing)
        elif isinstance(thing, functools.partial):
            for part in (thing.func, *thing.args, *thing.keywords.values()):
                self.reach(part)
        elif not isinstance(thing, ModuleType | type | FunctionType | BuiltinFunctionType) and self._ours(type(thing).__module__):
            self.reach(type(thing))

    def _ours(self, module: str | None) -> bool:
        return module is not None and module.partition(".")[0] == self.project

    def _function(self, function: FunctionType) -> None:
        content = [_code(function.__code__), _constant(function.__defaults__), _constant(function.__kwdefaults__)]
        content += [_constant(cell) for cell in _cells(function)]
        self._add(function, content)
        for cell in _cells(function):
            self._name(function.__module__, "", cell)
        for value in (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()):
            self.reach(value)
        for code in _nested(function.__code__):
            for name in code.co_names:
                if name in function.__globals__:
                    self._name(function.__module__, name, function.__globals__[name], code)
            for module in _imported(code):
                self._import(module, code)

    def _name(self, module: str, name: str, value: Any, code: CodeType | None = None) -> None:
        if isinstance(value, ModuleType):
            if code is not None and self._ours(value.__name__):
                self._attributes(value, code)
        elif isinstance(value, _CONSTANTS + _CONTAINERS):
            if name:
                self.parts[f"{module}.{name}"] = _short(_constant(value))
            for item in _items(value):
                self.reach(item)
        else:
            self.reach(value)

    def _attributes(self, module: ModuleType, code: CodeType) -> None:
        if (module.__name__, id(code)) in self._walked:
            return
        self._walked.add((module.__name__, id(code)))
        self.modules.add(module.__name__)
        for name in code.co_names:
            value = vars(module).get(name)
            if value is not None:
                self._name(module.__name__, name, value, code)

    def _import(self, name: str, code: CodeType) -> None:
        if not self._ours(name):
            self.imports.add(name.partition(".")[0])
        elif importlib.util.find_spec(name) is not None:
            self._attributes(importlib.import_module(name), code)
            self._attributes(sys.modules[self.project], code)  # `import a.b` binds a

    def _class(self, cls: type) -> None:
        content = [repr(sorted(str(b) for b in getattr(cls, "__annotations__", {}).items()))]
        for name, value in sorted(vars(cls).items()):
            inner = _unwrapped(value)
            if isinstance(inner, FunctionType):
                self.reach(inner)
            elif not name.startswith("__") and isinstance(value, _CONSTANTS + _CONTAINERS):
                content.append(f"{name}={_constant(value)}")
        self._add(cls, content)
        for parent in cls.__bases__:
            self.reach(parent)

    def _add(self, thing: Any, content: list[str]) -> None:
        self.modules.add(thing.__module__)
        name = f"{thing.__module__}.{thing.__qualname__}"
        known = self.parts.get(name)
        self.parts[name] = _short("\0".join([known or "", *content]))


def _unwrapped(thing: Any) -> Any:
    """The function inside steps, pipelines, methods and properties."""
    for _ in range(8):
        if isinstance(thing, staticmethod | classmethod):
            thing = thing.__func__
        elif isinstance(thing, property):
            thing = thing.fget
        elif isinstance(thing, functools.cached_property):
            thing = thing.func
        elif inspect.ismethod(thing):
            thing = thing.__func__
        elif not isinstance(thing, FunctionType | type) and isinstance(getattr(thing, "__wrapped__", None), FunctionType):
            thing = thing.__wrapped__
        else:
            break
    return thing


def _code(code: CodeType) -> str:
    """The text of a code object without places in files."""
    constants = [_code(c) if isinstance(c, CodeType) else _constant(c) for c in _without_docstring(code)]
    shape = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
    names = (code.co_name, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    return repr((shape, names, code.co_code.hex(), code.co_exceptiontable.hex(), constants))


def _without_docstring(code: CodeType) -> tuple[Any, ...]:
    constants = code.co_consts
    documented = bool(constants) and isinstance(constants[0], str) and code.co_flags & inspect.CO_NEWLOCALS
    used = any(i.opname == "LOAD_CONST" and i.arg == 0 for i in dis.get_instructions(code)) if documented else True
    return constants if used else (None, *constants[1:])


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested(constant)


def _imported(code: CodeType) -> list[str]:
    return [i.argval for i in dis.get_instructions(code) if i.opname == "IMPORT_NAME"]


def _cells(function: FunctionType) -> list[Any]:
    cells = []
    for cell in function.__closure__ or ():
        try:
            cells.append(cell.cell_contents)
        except ValueError:  # not filled yet
            cells.append(None)
    return cells


def _items(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value, *value.values()]
    return list(value) if isinstance(value, _CONTAINERS) else []


def _constant(value: Any) -> str:
    """A text that is equal for equal constants, in every process; other objects show only their name or type."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{_constant(k)}:{_constant(v)}" for k, v in value.items()) + "}"
    if isinstance(value, set | frozenset):
        return "{" + ",".join(sorted(_constant(v) for v in value)) + "}"
    if isinstance(value, tuple | list):
        return type(value).__name__ + "(" + ",".join(_constant(v) for v in value) + ")"
    if isinstance(value, _CONSTANTS):
        return f"{type(value).__name__} {value!r}"
    inner = _unwrapped(value)
    named = inner if isinstance(inner, FunctionType | type) else type(value)
    return f"{named.__module__}.{named.__qualname__}"


def _short(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _versions(walk: _Walk) -> dict[str, str]:
    """Versions of the distributions that the reached modules import, by name of the distribution."""
    tops = set(walk.imports)
    for name in walk.modules:
        for value in list(vars(sys.modules[name]).values()) if name in sys.modules else ():
            if isinstance(value, ModuleType):
                tops.add(value.__name__.partition(".")[0])
            elif isinstance(value, type | FunctionType | BuiltinFunctionType) and value.__module__:
                tops.add(value.__module__.partition(".")[0])
    tops -= {walk.project, "__main__", *sys.stdlib_module_names}
    found = {_distribution(top) for top in tops}
    return dict(sorted(pair for pair in found if pair is not None))


@functools.cache
def _distribution(top: str) -> tuple[str, str] | None:
    try:
        return top, metadata.version(top)
    except metadata.PackageNotFoundError:
        named = _packages().get(top)
        return (named[0], metadata.version(named[0])) if named else None


@functools.cache
def _packages() -> dict[str, list[str]]:
    return {top: sorted(names) for top, names in metadata.packages_distributions().items()}
