"""Mlflow: a folder with an `MLmodel`, as MLflow's own clients log and load it; its files may run code, so nothing here opens them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ostinato.kernel.errors import Invalid
from ostinato.registry.flavor import Predictor
from ostinato.registry.types import Signature

_HINT = "`mlflow models serve` and mlflow.pyfunc.load_model take it; for an endpoint register the estimator by a flavor that is data"


@dataclass(frozen=True, slots=True)
class Mlflow:
    """A model folder of MLflow, kept and handed out file by file: `models.files`, `models.file`; it is never loaded here."""

    def dump(self, model: Any) -> bytes:  # noqa: ARG002 — every flavor takes it
        """Refused: MLflow's clients make such folders."""
        raise Invalid("model folders of MLflow come from its clients", hint="mlflow.<flavor>.log_model(…, registered_model_name=…)")

    def load(self, content: bytes, signature: Signature) -> Predictor:  # noqa: ARG002 — every flavor takes it
        """Refused: to load it may run code that came with it."""
        raise Invalid("a model folder of MLflow may hold code, and is not loaded here", hint=_HINT, field="flavor")
