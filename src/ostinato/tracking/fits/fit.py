"""Fit: one observed training, and the run that records it."""

from __future__ import annotations

import json
import logging
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from weakref import WeakSet

import numpy as np

from ostinato.tracking.client import exit
from ostinato.tracking.client.active_run import active_run
from ostinato.tracking.client.start import rank_of_process
from ostinato.tracking.fits.data import example_of, signature_of, source_of
from ostinato.tracking.fits.native import Files, native
from ostinato.tracking.fits.plain import numbers, params_of
from ostinato.tracking.fits.plan import Plan
from ostinato.tracking.logger import Logger
from ostinato.tracking.types import Source, scalar

_MODEL_BYTES = 4 << 30
_IMPORTANCES_MAX = 500
_log = logging.getLogger("ostinato.tracking")
_taken: WeakSet[Any] = WeakSet()


class Fit:
    """A training of one model, told step by step by the framework's watcher; whatever fails here is said once, and stops nothing."""

    def __init__(self, plan: Plan, framework: str, model: str) -> None:
        self.plan = plan
        self.framework = framework
        self.model = model
        self.run: Logger | None = None
        self.own = False
        self.rank = 0
        self.estimator: Any = None
        self.source: Source | None = None
        self._measured: dict[str, float] = {}
        self._signature: Files = {}

    def begin(self, **how: Any) -> None:
        """Use the active run if nothing was trained in it before, or else start a new one."""
        with self.guard("the run"):
            self.rank = rank_of_process() if how.get("id") else 0
            around = active_run()
            if around is not None and (around.at_once or around not in _taken):
                self.run = around
            else:
                parent = {"parent": around.id} if around is not None else {}
                self.run, self.own = self.plan.start(self.model, **parent, **how), True
                self.plan.last = self.run
            _taken.add(self.run)
            self.run.tag(framework=self.framework, autolog=self.model)

    @contextmanager
    def guard(self, what: str) -> Iterator[None]:
        """In the block nothing is raised, and the random numbers of the training are not touched."""
        states = random.getstate(), np.random.get_state()
        try:
            yield
        except Exception as error:
            self.plan.warn(self.framework, what, error)
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])

    def params(self, given: Mapping[str, Any]) -> None:
        """Record parameters; one that the run has with another value goes by the model's name before it."""
        with self.guard("parameters"):
            if self.run is not None:
                known = self.run.run.params
                told = params_of(given)
                self.run.log_params({(f"{self.model}.{k}" if known.get(k, scalar(v)) != scalar(v) else k): v for k, v in told.items()})

    def log(self, values: Mapping[str, Any], step: int | None = None) -> None:
        """Record what is a number among the values."""
        try:
            if self.run is not None and (found := numbers(values)):
                self.run.log(found, step=step)
        except Exception as error:
            self.plan.warn(self.framework, "metrics", error)

    def measured(self, values: Mapping[str, Any]) -> None:
        """Record what was measured of the model in the end; with the model, if it is kept."""
        self._measured |= numbers(values)

    def data(self, x: Any, y: Any = None, *, classes: bool = False, context: str = "training", names: Sequence[str] | None = None) -> None:
        """Record what data it is, and which signature follows."""
        with self.guard("the data"):
            if self.run is None:
                return
            source = source_of(x, y, classes=classes)
            self.run.use(source, context)
            if context == "training":
                self.source = source
                self._signature = {"signature.json": signature_of(x, names)}
                if self.plan.examples:
                    self._signature["input_example.json"] = example_of(x)

    def shape(self, shape: tuple[int, int], names: Sequence[str] | None, target: Any) -> None:
        """Record the shape of data that lies in the memory of a library and is not to be had."""
        with self.guard("the data"):
            if self.run is not None:
                columns = [{"name": str(name), "dtype": "float64"} for name in names or [f"x{n}" for n in range(shape[1])]]
                held = np.empty((0, shape[1]))
                self.source = replace(
                    source_of(held, target), name=f"{shape[0]} rows in memory", schema=json.dumps({"columns": columns[:1000]}),
                    profile=json.dumps({"x": {"type": "in the library", "shape": shape}}),
                )  # fmt: skip
                self.run.use(self.source, "training")
                self._signature = {"signature.json": signature_of(held, [column["name"] for column in columns])}

    def importances(self, names: Sequence[str], values: Any, method: str) -> None:
        """Store the feature importances, largest first, in the form of a bar chart."""
        with self.guard("feature importance"):
            if self.run is not None:
                flat = np.asarray(values, dtype=np.float64)
                order = np.argsort(-np.abs(flat), kind="stable")[:_IMPORTANCES_MAX]
                told = {"kind": "bar", "method": method, "x": [str(names[n]) for n in order], "y": flat[order].tolist()}
                self.run.artifact("feature_importance.json", json.dumps(told))

    def keep(self, model: Any, kept: tuple[str, Files, dict[str, str]] | None = None) -> None:
        """Store the model as a candidate, in its framework's own format."""
        if self.run is None:
            return
        with self.guard("the model"):
            if self.plan.models:
                flavor, files, tags = kept or native(model)
                if sum(len(f) for f in files.values() if isinstance(f, bytes | str)) > _MODEL_BYTES:
                    raise ValueError(f"it has more than {_MODEL_BYTES >> 30} GiB")
                files = {**files, **self._signature}
                ref = self.run.candidate(self.model, files, type=flavor, tags=tags, measured=self._measured, on=self.source)
                self._measured = {}
                self.run.output(ref)
        self.told()

    def told(self) -> None:
        """The final metrics that belong to no stored model."""
        if self._measured:
            self.log(self._measured, 0)
            self._measured = {}

    def end(self, error: BaseException | None = None) -> None:
        """The training is over; a run of its own ends with it. Of many ranks each tells its own error, the first one's ends the run."""
        with self.guard("the end"):
            self.told()
            if self.own and self.run is not None:
                state, why, trace = exit.how_it_ended(error)
                if trace:
                    self.run.artifact(f"traceback_rank_{self.rank}.txt" if self.rank else "traceback.txt", trace)
                if why and self.rank:
                    self.run.tag(**{f"rank_{self.rank}.error": why})
                self.plan.finish(self.run, state, why)


def inside_another() -> bool:
    """Whether a meta-estimator of scikit-learn has handed the present call to a worker: what it fits is a part of its own."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name == "__call__" and frame.f_globals.get("__name__") == "sklearn.utils.parallel":
            return True
        frame = frame.f_back  # type: ignore[assignment]
    return False
