"""Lightgbm: boosted trees in LightGBM's own text, which holds numbers and no code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from ostinato.kernel.errors import Invalid, MissingExtra
from ostinato.registry.flavor import Care, Predictor
from ostinato.registry.flavors._scores import check_width
from ostinato.registry.types import Signature


@dataclass(frozen=True, slots=True)
class Lightgbm:
    """A booster of LightGBM, or an estimator around one, as text; after early stopping up to its best iteration."""

    care: ClassVar[Care] = "parser"

    def dump(self, model: Any) -> bytes:
        """The booster as text."""
        booster = getattr(model, "booster_", model)
        if not isinstance(booster, _lightgbm().Booster):
            raise Invalid(f"a {type(model).__name__} is no model of LightGBM", field="artifact")
        text: str = booster.model_to_string()
        return text.encode()

    def load(self, content: bytes, signature: Signature) -> Predictor:
        """The booster, with one thread: a few rows are no work for more."""
        library = _lightgbm()
        try:
            if not content.startswith(b"tree\n"):
                raise ValueError("it does not begin with 'tree'")  # LightGBM itself says that on stdout only
            booster = library.Booster(model_str=content.decode())
        except (library.basic.LightGBMError, ValueError, KeyError) as error:
            raise Invalid(f"not a model of LightGBM: {str(error)[:300]}", field="artifact") from error
        check_width(booster.num_feature(), signature)
        if booster.num_model_per_iteration() != 1:
            raise Invalid("the model answers several numbers per row", hint="register one of two classes", field="artifact")
        return Predictor(signature, lambda x: booster.predict(x, num_threads=1))


def _lightgbm() -> Any:
    try:
        import lightgbm
    except ModuleNotFoundError as error:
        raise MissingExtra.of("lightgbm", "boosting") from error
    return lightgbm
