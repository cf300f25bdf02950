"""Flavor: the interface of the family `flavors`, and the Predictor that loading gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ostinato.kernel.family import Family
from ostinato.registry.matrix import Encoder
from ostinato.registry.types import Signature

Columns = Mapping[str, NDArray[Any]]
Care = Literal["none", "parser", "code"]
"""What it takes to load a flavor: nothing; a process apart, because a library in C reads the bytes; or a sandbox and leave, because
loading may run code that came with the artifact."""


class Predictor:
    """A loaded model behind its signature."""

    __slots__ = ("_encode", "_score", "signature")

    def __init__(self, signature: Signature, score: Callable[[Any], Any], encode: Callable[[Columns], Any] | None = None) -> None:
        self.signature = signature
        self._encode = encode or Encoder(signature).matrix
        self._score = score

    def predict(self, columns: Columns) -> NDArray[np.float64]:
        """Scores of shape (n,): for a classifier the probability of class 1.

        `columns` holds one vector of length n per input, in any order; others are ignored. Strings become the codes of
        their categories; an unknown category and a null become NaN.

        Raises:
            Invalid: a column is missing, has another length or does not fit its dtype.
        """
        return np.asarray(self._score(self._encode(columns)), dtype=np.float64)


class Scorer(Protocol):
    """A loaded model, in this process or apart."""

    signature: Signature

    def predict(self, columns: Columns) -> NDArray[np.float64]:
        """One score per row."""
        ...


class Flavor(Protocol):
    """A member: a format of artifacts. Its artifacts are bytes or, where `folder`, folders.

    One whose care is none may have `care_for(content)`, by which some of its artifacts take a process apart.
    """

    care: ClassVar[Care]
    folder: ClassVar[bool]

    def dump(self, model: Any) -> bytes:
        """The model as bytes.

        Raises:
            Invalid: the model holds something that this format could not load again.
        """
        ...

    def load(self, content: Any, signature: Signature) -> Predictor:
        """The model in `content` (bytes, or the Path of a folder), taking the inputs of `signature`.

        Raises:
            Invalid: the content is not of this flavor, holds a type that is not allowed, or does not fit the signature.
        """
        ...


FLAVORS: Family[Any] = Family("ostinato.registry.flavors")


def care_of(flavor: str) -> Care:
    """How a flavor must be loaded; one that does not declare it is assumed to run code."""
    care: Care = getattr(FLAVORS.get(flavor), "care", "code")
    return care


def is_plain(flavor: str, content: bytes) -> bool:
    """Whether this artifact can be loaded, and asked, in any process.

    Raises:
        Invalid: it is not of this flavor, or holds a type that is not allowed.
    """
    if care_of(flavor) != "none" or is_folder(flavor):
        return False
    care_for = getattr(FLAVORS.make(flavor), "care_for", None)
    return care_for is None or care_for(content) == "none"


def is_folder(flavor: str) -> bool:
    """Whether the artifacts of a flavor are folders."""
    return bool(getattr(FLAVORS.get(flavor), "folder", False))


def loaded(flavor: str, artifact: Path, signature: Signature) -> Predictor:
    """The model in a file or folder, loaded in this process, whatever that takes."""
    content = artifact if artifact.is_dir() else artifact.read_bytes()
    found: Predictor = FLAVORS.make(flavor).load(content, signature)
    return found
