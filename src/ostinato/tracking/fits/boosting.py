"""What the boosting frameworks share: a training begins in `train`, directly or inside an estimator."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Protocol

from ostinato.tracking.fits.fit import Fit
from ostinato.tracking.fits.patch import Patches
from ostinato.tracking.fits.watch import enclosing_fit, nested, plan_for, recording

_PARAMS = ("num_boost_round", "early_stopping_rounds", "maximize", "init_model", "xgb_model")
_FOLDS = ("num_boost_round", "early_stopping_rounds", "nfold", "stratified", "shuffle", "seed")


class Booster(Protocol):
    """A library of boosters, as far as it differs from the other."""

    name: str

    def listening(self, fit: Fit, given: dict[str, Any]) -> None:
        """Have the training tell what it measures, round by round."""
        ...

    def tell(self, fit: Fit, booster: Any, given: dict[str, Any]) -> None:
        """Tell what is known after it, save the model."""
        ...


def meet(patches: Patches, library: Booster, modules: list[Any]) -> None:
    """Meet the functions `train` and `cv` wherever they are called from."""

    def around(original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        inner = enclosing_fit(library.name)
        if inner is not None and type(inner.estimator).__module__.startswith(library.name):
            return _observed_call(library, inner, original, args, kwargs)
        plan = plan_for(library.name)
        if plan is None:
            with nested():
                return original(*args, **kwargs)
        with recording(library.name, "Booster", plan) as fit:
            given = inspect.signature(original).bind(*args, **kwargs).arguments
            fit.params({**(given.get("params") or {}), **{name: given[name] for name in _PARAMS if isinstance(given.get(name), int)}})
            booster = _observed_call(library, fit, original, args, kwargs)
            fit.keep(booster)
            return booster

    def across(original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        plan = plan_for(library.name)
        if plan is None:
            with nested():
                return original(*args, **kwargs)
        with recording(library.name, "cv", plan) as fit:
            given = inspect.signature(original).bind(*args, **kwargs).arguments
            fit.params({**(given.get("params") or {}), **{name: given[name] for name in _FOLDS if isinstance(given.get(name), int)}})
            found = original(*args, **kwargs)
            with fit.guard("the folds"):
                rounds = {str(name): [*values] for name, values in found.items() if not hasattr(values, "boosters")}
                for step in range(max(map(len, rounds.values()), default=0)):
                    fit.log({name: values[step] for name, values in rounds.items() if step < len(values)}, step)
            return found

    for module in modules:
        patches.wrap(module, "train", around)
        if hasattr(module, "cv"):
            patches.wrap(module, "cv", across)


def _observed_call(library: Booster, fit: Fit, original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    bound = inspect.signature(original).bind(*args, **kwargs)
    with fit.guard("metrics"):
        library.listening(fit, bound.arguments)
    booster = original(*bound.args, **bound.kwargs)
    with fit.guard("the training"):
        library.tell(fit, booster, bound.arguments)
    return booster
