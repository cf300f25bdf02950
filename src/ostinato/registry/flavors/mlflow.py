"""Mlflow: a folder with an `MLmodel`, as MLflow's own clients log and load it; its files may run code, so only a sandbox opens them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ostinato.kernel.errors import Invalid, MissingExtra
from ostinato.registry.flavor import Care, Predictor
from ostinato.registry.flavors._scores import table_of
from ostinato.registry.types import Signature


@dataclass(frozen=True, slots=True)
class Mlflow:
    """A model folder of MLflow, kept file by file, loaded as its `pyfunc`: may run any code, so it needs leave and a sandbox."""

    care: ClassVar[Care] = "code"
    folder: ClassVar[bool] = True

    def dump(self, model: Any) -> bytes:  # noqa: ARG002 — every flavor takes it
        """Refused: MLflow's clients make such folders."""
        raise Invalid("model folders of MLflow come from its clients", hint="mlflow.<flavor>.log_model(…, registered_model_name=…)")

    def load(self, content: Path, signature: Signature) -> Predictor:
        """The model as `mlflow.pyfunc.load_model` gives it, asked with a table. This runs what the folder says."""
        if not signature.inputs:
            raise Invalid("the MLmodel names no columns", hint="log the model with signature=infer_signature(table, …)", field="signature")
        try:
            from mlflow import pyfunc
        except ModuleNotFoundError as error:
            raise MissingExtra.of("mlflow-skinny", "mlflow") from error
        try:
            model = pyfunc.load_model(str(content))
        except ModuleNotFoundError as error:
            raise MissingExtra(f"the model needs {error.name}, which is not installed", hint=f"pip install {error.name}") from error
        except Exception as error:
            raise Invalid(f"MLflow does not load the folder: {type(error).__name__}: {error}", field="artifact") from error
        return Predictor(signature, lambda table: _scores(model.predict(table)), _table(model, signature))


def _table(model: Any, signature: Signature) -> Callable[[Any], Any]:
    """The table that the model was logged with: MLflow refuses a double where it was told of a float."""
    known = model.metadata.get_input_schema()
    kinds = {} if known is None or known.is_tensor_spec() else {c.name: c.type.to_numpy() for c in known.inputs if c.name}
    narrow = {name: kind for name, kind in kinds.items() if kind in (np.dtype(np.float32), np.dtype(np.int32))}

    def encode(columns: Any) -> Any:
        table = table_of(columns, signature)
        return table.astype({name: kind for name, kind in narrow.items() if kind.kind == "f" or table[name].dtype.kind == "i"})

    return encode


def _scores(answer: Any) -> Any:
    """One number per row, of what pyfunc answers: a column, a table of one, or the probabilities of two classes."""
    found = np.asarray(answer)
    if found.ndim == 2 and found.shape[1] in (1, 2):
        found = found[:, -1]
    if found.ndim != 1 or found.dtype.kind not in "biuf":
        raise Invalid(
            f"the model answers {found.dtype} of shape {found.shape}, not one number per row",
            hint="log a classifier with pyfunc_predict_fn='predict_proba'", field="artifact",
        )  # fmt: skip
    return found
