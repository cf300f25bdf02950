"""Flavor: what a member of the family `flavors` offers, and the Predictor that loading gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ostinato.kernel.family import Family
from ostinato.registry.matrix import Encoder, Floats
from ostinato.registry.types import Signature


class Predictor:
    """A loaded model behind its signature."""

    __slots__ = ("_encoder", "_score", "signature")

    def __init__(self, signature: Signature, score: Callable[[Floats], Any]) -> None:
        self.signature = signature
        self._encoder = Encoder(signature)
        self._score = score

    def predict(self, columns: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        """Scores of shape (n,): for a classifier the probability of class 1.

        `columns` holds one vector of length n per input, in any order; others are ignored. Strings become the codes of
        their categories; an unknown category and a null become NaN.

        Raises:
            Invalid: a column is missing, has another length or does not fit its dtype.
        """
        return np.asarray(self._score(self._encoder.matrix(columns)), dtype=np.float64)


class Flavor(Protocol):
    """A member: a format of artifacts. Neither method may run code that came with an artifact."""

    def dump(self, model: Any) -> bytes:
        """The model as bytes.

        Raises:
            Invalid: the model holds something that this format could not load again.
        """
        ...

    def load(self, content: bytes, signature: Signature) -> Predictor:
        """The model in `content`, taking the inputs of `signature`.

        Raises:
            Invalid: the bytes are not of this flavor, hold a type that is not allowed, or do not fit the signature.
        """
        ...


FLAVORS: Family[Any] = Family("ostinato.registry.flavors")
