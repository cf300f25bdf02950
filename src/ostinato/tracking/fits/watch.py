"""The frameworks that are observed now; `autolog` starts and stops it."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import ModuleType, TracebackType
from typing import Any, Protocol

from ostinato.kernel.errors import MissingExtra, NotFound
from ostinato.kernel.family import Family
from ostinato.tracking.fits.fit import Fit, inside_another
from ostinato.tracking.fits.patch import Late, Patches
from ostinato.tracking.fits.plan import Plan
from ostinato.tracking.logger import Logger


class Framework(Protocol):
    """A member: how the trainings of one framework are met."""

    modules: tuple[str, ...]
    """After the import of each of these, `install` is called; nothing is imported for it."""

    def install(self, patches: Patches, module: ModuleType) -> None:
        """Replace what begins a training."""
        ...


FRAMEWORKS: Family[Framework] = Family("ostinato.tracking.autolog")
_plans: list[Plan] = []
_patches = Patches()
_lock = threading.RLock()
_depth: ContextVar[int] = ContextVar("ostinato_fit_depth", default=0)
_fit: ContextVar[Fit | None] = ContextVar("ostinato_fit", default=None)


class Autologging:
    """The handle that `autolog` returns; used as a context manager, it stops with the block."""

    def __init__(self, plan: Plan | None, close: Callable[[], None]) -> None:
        self._plan = plan
        self._close = close

    @property
    def last(self) -> Logger | None:
        """The run that was begun last for a training that had none."""
        return self._plan.last if self._plan is not None else None

    def wait(self) -> None:
        """Until the runs that have ended are in the store, or kept for later."""
        if self._plan is not None:
            self._plan.wait()

    def stop(self) -> None:
        """Stop recording; an outer `autolog` becomes active again."""
        with _lock:
            if self._plan in _plans:
                _plans.remove(self._plan)
            if not _plans:
                _uninstall()
        self.wait()
        self._close()

    def __enter__(self) -> Autologging:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


def watch(plan: Plan, close: Callable[[], None] = lambda: None, *, named: bool) -> Autologging:
    """Record the trainings of the plan's frameworks from now on, in place of what was asked for before.

    Raises:
        NotFound: there is no such framework.
        MissingExtra: one that was `named` is not installed.
    """
    members = {name: FRAMEWORKS.get(name)() for name in sorted(plan.frameworks)}
    for name, member in members.items():
        if named and not any(_there(module) for module in member.modules):
            package = member.modules[0].partition(".")[0]
            raise MissingExtra(f"{name} needs {package}, which is not installed", hint=f"pip install {package}")
    with _lock:
        _plans.append(plan)
        for name, member in members.items():
            if name not in _installed:
                _installed.add(name)
                _awaiting.update(dict.fromkeys(member.modules, member))
                _late.expect(member.modules)
    return Autologging(plan, close)


def unwatch() -> None:
    """Record nothing any more."""
    with _lock:
        ended = [*_plans]
        _plans.clear()
        _uninstall()
    for plan in ended:
        plan.wait()


def checked_frameworks(names: tuple[str, ...]) -> tuple[str, ...]:
    """The frameworks that were named, or all of them."""
    known = FRAMEWORKS.names()
    if unknown := [name for name in names if name not in known]:
        raise NotFound.named("framework", unknown[0], known)
    return names or tuple(known)


_installed: set[str] = set()
_awaiting: dict[str, Framework] = {}


def _meet(name: str, module: ModuleType) -> None:
    try:
        _awaiting[name].install(_patches, module)
    except Exception as error:  # a version of the framework that is built otherwise must still be imported
        for plan in _plans:
            plan.warn(name, "trainings", error)


_late = Late(_meet)


def _uninstall() -> None:
    _late.end()
    _patches.undo()
    _installed.clear()
    _awaiting.clear()


def _there(module: str) -> bool:
    return importlib.util.find_spec(module.partition(".")[0]) is not None


def plan_for(framework: str) -> Plan | None:
    """The plan by which a training of the framework is recorded that begins here; None if it is not, or is a part of another."""
    plan = _plans[-1] if _plans else None
    if plan is None or framework not in plan.frameworks or _depth.get() or inside_another():
        return None
    return plan


def enclosing_fit(framework: str) -> Fit | None:
    """The training that this one is the very inside of, such as that of the estimator that calls `train`; None deeper within."""
    plan = _plans[-1] if _plans else None
    return _fit.get() if plan is not None and framework in plan.frameworks and _depth.get() == 1 else None


def trains_now(estimator: Any) -> bool:
    """Whether the training that goes on here is that of this very estimator: it calls itself as the class that it extends."""
    fit = _fit.get()
    return fit is not None and fit.estimator is estimator and _depth.get() == 1


@contextmanager
def nested() -> Iterator[None]:
    """In the block, what begins is a part of the training around it."""
    token = _depth.set(_depth.get() + 1)
    try:
        yield
    finally:
        _depth.reset(token)


@contextmanager
def recording(framework: str, model: str, plan: Plan, **how: Any) -> Iterator[Fit]:
    """In the block a training goes on. It is recorded; what it raises is raised on."""
    fit = Fit(plan, framework, model)
    fit.begin(**how)
    token = _fit.set(fit)
    try:
        with nested():
            yield fit
    except BaseException as error:
        fit.end(error)
        raise
    else:
        fit.end()
    finally:
        _fit.reset(token)
