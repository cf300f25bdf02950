"""Lightning: trainings by the Trainer of PyTorch Lightning, on one process or on many ranks."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from ostinato.tracking.fits.fit import Fit
from ostinato.tracking.fits.patch import Patches
from ostinato.tracking.fits.ranks import agree_on_run
from ostinato.tracking.fits.watch import nested, plan_for, recording

_TRAINER = ("max_epochs", "max_steps", "accumulate_grad_batches", "gradient_clip_val", "precision", "world_size")

_SHARDED = ("FSDP", "DeepSpeed", "ModelParallel")
"""Strategies by which no rank has all weights."""


class Lightning:
    """Trainings of PyTorch Lightning: hyperparameters, what the module logs, best checkpoint and early stop, the weights as safetensors."""

    modules = ("pytorch_lightning", "lightning.pytorch")

    def install(self, patches: Patches, module: ModuleType) -> None:
        """Meet `Trainer.fit`."""
        base = module.Callback

        def around(original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            plan = plan_for("lightning")
            if plan is None:
                with nested():
                    return original(*args, **kwargs)
            trainer = args[0]
            bound = inspect.signature(original).bind(*args, **kwargs).arguments
            model = bound["model"]
            with recording("lightning", type(model).__name__, plan, **agree_on_run(trainer.global_rank, trainer.world_size)) as fit:
                callback = _callback(base, fit, first=trainer.is_global_zero)
                trainer.callbacks.append(callback)
                try:
                    result = original(*args, **kwargs)
                finally:
                    if callback in trainer.callbacks:
                        trainer.callbacks.remove(callback)
                with fit.guard("the training"):
                    if trainer.is_global_zero:
                        _record_result(fit, trainer, model)
                return result

        patches.wrap(module.Trainer, "fit", around)


def _callback(base: Any, fit: Fit, *, first: bool) -> Any:
    by_step: set[str] = set()  # Lightning goes on to show what an epoch measured, and it is no news

    class Listening(base):  # type: ignore[misc]
        """Tells a fit what the first rank measures; a copy of it, in another process, tells nobody."""

        def __reduce__(self) -> Any:
            return base, ()

        def on_train_start(self, trainer: Any, pl_module: Any) -> None:
            if first:
                with fit.guard("parameters"):
                    fit.params(_params(trainer, pl_module))
                    _data(fit, trainer)

        def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
            if first and trainer.global_step % (trainer.log_every_n_steps or 1) == 0:
                found = trainer.logged_metrics
                if trainer.current_epoch == 0:
                    by_step.update(found)
                fit.log({name: value for name, value in found.items() if name in by_step or name.endswith("_step")}, trainer.global_step)

        def on_train_epoch_end(self, trainer: Any, *_: Any) -> None:
            if first:
                found = trainer.callback_metrics
                told = {name: value for name, value in found.items() if f"{name}_epoch" not in found and not name.endswith("_step")}
                fit.log(
                    {**{name: value for name, value in told.items() if name not in by_step}, "epoch": trainer.current_epoch},
                    trainer.global_step,
                )

    return Listening()


def _params(trainer: Any, module: Any) -> dict[str, Any]:
    found = {f"trainer.{name}": getattr(trainer, name, None) for name in _TRAINER}
    for number, optimizer in enumerate(trainer.optimizers):
        of = "optimizer" if number == 0 else f"optimizer_{number}"
        found[of] = type(optimizer).__name__
        found |= {
            f"{of}.{name}": value for name, value in optimizer.defaults.items() if isinstance(value, bool | int | float | str | tuple)
        }
    return {**found, **dict(getattr(module, "hparams", {}) or {}), "parameters": sum(p.numel() for p in module.parameters())}


def _data(fit: Fit, trainer: Any) -> None:
    """The tensors of the data, where it says what they are; a loader is never iterated: that would move its random numbers."""
    tensors = getattr(getattr(trainer.train_dataloader, "dataset", None), "tensors", None)
    if tensors:
        fit.data(tensors[0], tensors[1] if len(tensors) > 1 else None)


def _record_result(fit: Fit, trainer: Any, model: Any) -> None:
    fit.measured({"epochs": trainer.current_epoch, "steps": trainer.global_step})
    for callback in trainer.callbacks:
        if getattr(callback, "stopped_epoch", 0):
            fit.measured({"stopped_epoch": callback.stopped_epoch})
        if getattr(callback, "best_model_score", None) is not None:
            fit.measured({"best_score": callback.best_model_score})
            fit.params({"best_checkpoint": Path(callback.best_model_path).name})
    if not any(word in type(trainer.strategy).__name__ for word in _SHARDED):
        fit.keep(model)
