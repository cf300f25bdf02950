"""Patches of attributes of other packages' classes and modules, which can be undone."""

from __future__ import annotations

import functools
import importlib.abc
import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

Around = Callable[[Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any]
"""Gets the original, and the arguments of a call; answers what the caller is to get."""

_ABSENT = object()


class Patches:
    """The replaced attributes, so that all of them can be restored."""

    def __init__(self) -> None:
        self._done: list[tuple[Any, str, Any, Any]] = []

    def wrap(self, owner: Any, name: str, around: Around) -> None:
        """Wrap `owner.name` by `around`; it keeps its name, signature and docstring."""
        original = getattr(owner, name)
        if getattr(original, "__around__", None) is around:
            return

        @functools.wraps(original)
        def watched(*args: Any, **kwargs: Any) -> Any:
            return around(original, args, kwargs)

        watched.__around__ = around  # type: ignore[attr-defined]
        self.put(owner, name, watched)

    def put(self, owner: Any, name: str, value: Any) -> None:
        """Replace an attribute."""
        self._done.append((owner, name, owner.__dict__.get(name, _ABSENT), value))
        setattr(owner, name, value)

    def undo(self) -> None:
        """Restore everything that nobody else has replaced since."""
        for owner, name, before, ours in reversed(self._done):
            if owner.__dict__.get(name) is ours:
                delattr(owner, name) if before is _ABSENT else setattr(owner, name, before)
        self._done.clear()


class Late(importlib.abc.MetaPathFinder):
    """Calls something right after modules were imported; what is there already is met at once."""

    def __init__(self, then: Callable[[str, ModuleType], None]) -> None:
        self._then = then
        self._awaited: set[str] = set()

    def expect(self, names: Sequence[str]) -> None:
        """Call `then` for each of these modules, now or later."""
        for name in names:
            module = sys.modules.get(name)
            if module is not None and not getattr(module.__spec__, "_initializing", False):
                self._then(name, module)
            else:
                self._awaited.add(name)
        if self._awaited and self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    def end(self) -> None:
        """Await nothing any more."""
        self._awaited.clear()
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:  # noqa: ARG002 — the import system's shape
        """The module as the others find it, with a loader that tells of it."""
        if fullname not in self._awaited:
            return None
        self._awaited.discard(fullname)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            loader, execute, then = spec.loader, spec.loader.exec_module, self._then

            def told(module: ModuleType) -> None:
                del loader.exec_module
                execute(module)
                then(fullname, module)

            loader.exec_module = told  # type: ignore[method-assign]
        return spec
