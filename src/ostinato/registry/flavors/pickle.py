"""Pickle: whatever Python can pickle, which is code: it runs on load, and so is loaded in a sandbox alone, where that is allowed."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import Any, ClassVar

from ostinato.kernel.errors import Invalid
from ostinato.registry.flavor import Care, Predictor
from ostinato.registry.flavors._scores import encoder_for, scoring_of
from ostinato.registry.types import Signature


@dataclass(frozen=True, slots=True)
class Pickle:
    """An estimator, or a function from a matrix to scores, as a pickle: may run any code on load, so it needs leave and a sandbox."""

    care: ClassVar[Care] = "code"

    def dump(self, model: Any) -> bytes:
        """The model as a pickle of protocol 5."""
        try:
            return pickle.dumps(model, protocol=5)
        except Exception as error:
            raise Invalid(f"the model cannot be pickled: {error}", hint="pickle takes what a module defines at its top") from error

    def load(self, content: bytes, signature: Signature) -> Predictor:
        """The model. This runs what the bytes say."""
        try:
            model = pickle.loads(content)  # noqa: S301 — the sandbox is there for this
        except Exception as error:
            raise Invalid(f"the pickle does not load: {type(error).__name__}: {error}", field="artifact") from error
        return Predictor(signature, scoring_of(model), encoder_for(model, signature))
