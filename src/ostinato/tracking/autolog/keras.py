"""Keras: trainings of Keras 3 by `Model.fit`, on any backend."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ostinato.tracking.fits.fit import Fit
from ostinato.tracking.fits.patch import Patches
from ostinato.tracking.fits.watch import nested, plan_for, recording

_PARAMS = ("batch_size", "epochs", "validation_split", "shuffle", "initial_epoch", "steps_per_epoch", "class_weight")


class Keras:
    """Trainings of Keras 3: optimizer, loss, what every epoch measured, early stop, the model in Keras' own format."""

    modules = ("keras",)

    def install(self, patches: Patches, module: ModuleType) -> None:
        """Meet `Model.fit`."""
        base = module.callbacks.Callback

        def around(original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            plan = plan_for("keras")
            if plan is None:
                with nested():
                    return original(*args, **kwargs)
            model = args[0]
            with recording("keras", type(model).__name__, plan) as fit:
                bound = inspect.signature(original).bind(*args, **kwargs)
                bound.apply_defaults()
                given = bound.arguments
                with fit.guard("parameters"):
                    fit.params({**{name: given[name] for name in _PARAMS if given.get(name) is not None}, **_compiled(model)})
                    fit.data(given.get("x"), given.get("y"))
                with fit.guard("metrics"):
                    given["callbacks"] = _joined(given.get("callbacks"), _callback(base, fit))
                result = original(*bound.args, **bound.kwargs)
                with fit.guard("the training"):
                    _record_result(fit, model, given.get("callbacks"))
                return result

        patches.wrap(module.Model, "fit", around)


def _callback(base: Any, fit: Fit) -> Any:
    class Listening(base):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            fit.log(logs or {}, epoch)

    return Listening()


def _joined(callbacks: Any, ours: Any) -> Any:
    """Their callbacks and ours, in whatever they came."""
    if hasattr(callbacks, "append") and not isinstance(callbacks, list):
        callbacks.append(ours)
        return callbacks
    return [*(callbacks if isinstance(callbacks, list | tuple) else [callbacks] if callbacks is not None else ()), ours]


def _compiled(model: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"loss": model.loss}
    if model.optimizer is not None:
        found |= {f"optimizer.{name}": value for name, value in model.optimizer.get_config().items()}
        found["optimizer"] = type(model.optimizer).__name__
    return found


def _record_result(fit: Fit, model: Any, callbacks: Any) -> None:
    fit.measured({"parameters": model.count_params()})
    for callback in getattr(callbacks, "callbacks", callbacks) or ():
        if getattr(callback, "stopped_epoch", 0):
            fit.measured({"stopped_epoch": callback.stopped_epoch})
        if hasattr(callback, "best_epoch"):
            fit.measured({"best_epoch": callback.best_epoch})
    fit.keep(model)
