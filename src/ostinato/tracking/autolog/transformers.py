"""Transformers: trainings by the Trainer of Hugging Face."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ostinato.tracking.fits.fit import Fit
from ostinato.tracking.fits.native import pretrained
from ostinato.tracking.fits.patch import Patches
from ostinato.tracking.fits.ranks import agree_on_run
from ostinato.tracking.fits.watch import nested, plan_for, recording

_ALWAYS = (
    "learning_rate", "num_train_epochs", "max_steps", "per_device_train_batch_size", "gradient_accumulation_steps", "weight_decay",
    "warmup_steps", "lr_scheduler_type", "optim", "seed",
)  # fmt: skip
"""Arguments that are recorded whatever they are; of the others, some hundred, those that are not as by default."""


class Transformers:
    """Trainings of Hugging Face's Trainer: arguments, what it logs by step, the best checkpoint, the model as safetensors."""

    modules = ("transformers.trainer",)

    def install(self, patches: Patches, module: ModuleType) -> None:
        """Meet `Trainer.train`."""
        base = module.TrainerCallback

        def around(original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            plan = plan_for("transformers")
            if plan is None:
                with nested():
                    return original(*args, **kwargs)
            trainer = args[0]
            told = trainer.args
            name = type(trainer.model).__name__ if trainer.model is not None else "Trainer"
            with recording("transformers", name, plan, **agree_on_run(told.process_index, told.world_size)) as fit:
                first = told.process_index == 0
                callback = _callback(base, fit)
                if first:
                    trainer.add_callback(callback)
                    with fit.guard("parameters"):
                        _begin(fit, trainer)
                try:
                    result = original(*args, **kwargs)
                finally:
                    if first:
                        trainer.remove_callback(callback)
                if first:
                    with fit.guard("the training"):
                        _record_result(fit, trainer)
                return result

        patches.wrap(module.Trainer, "train", around)


def _callback(base: Any, fit: Fit) -> Any:
    class Listening(base):  # type: ignore[misc]
        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:  # noqa: ARG002 — Hugging Face's shape
            fit.log(logs or {}, state.global_step)

    return Listening()


def _begin(fit: Fit, trainer: Any) -> None:
    told = trainer.args.to_dict()
    usual = {field.name: field.default for field in dataclasses.fields(trainer.args)}
    fit.params({name: value for name, value in told.items() if name in _ALWAYS or _chosen(name, value, usual)})
    assert fit.run is not None
    fit.run.artifact("training_arguments.json", json.dumps(told, indent=1, default=str))
    if trainer.train_dataset is not None and hasattr(trainer.train_dataset, "__len__"):
        fit.params({"train_rows": len(trainer.train_dataset)})


def _chosen(name: str, value: Any, usual: dict[str, Any]) -> bool:
    """Whether an argument was chosen; one with a default that is made anew each time, or set from the machine, does not count."""
    default = usual.get(name, dataclasses.MISSING)
    plain = isinstance(value, bool | int | float | str)
    return plain and default is not None and default is not dataclasses.MISSING and getattr(default, "value", default) != value


def _record_result(fit: Fit, trainer: Any) -> None:
    state = trainer.state
    fit.measured({"epochs": state.epoch, "steps": state.global_step})
    if state.best_metric is not None:
        fit.measured({"best_metric": state.best_metric, "best_step": getattr(state, "best_global_step", None)})
    fit.measured({"parameters": sum(p.numel() for p in trainer.model.parameters())})
    words = getattr(trainer, "processing_class", None)
    whole = not (getattr(trainer, "is_fsdp_enabled", False) or getattr(trainer, "is_deepspeed_enabled", False))
    if whole and fit.plan.models:
        fit.keep(trainer.model, pretrained(trainer.model, *([words] if words is not None else [])))
