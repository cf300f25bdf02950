"""Ndarray: numpy arrays in numpy's own format."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt

from ostinato.kernel.errors import Invalid
from ostinato.storage.blobs.blobs import Blobs
from ostinato.storage.tables.tables import Tables


class Ndarray:
    """Numpy arrays of any shape and any type but `object`, in the NPY format."""

    def accepts(self, value: object) -> bool:
        return isinstance(value, np.ndarray)

    def keep(self, value: npt.NDArray[Any], blobs: Blobs, tables: Tables) -> str:  # noqa: ARG002
        if value.dtype.hasobject:
            raise Invalid("an array of Python objects cannot be kept", hint="give it a type: numpy.asarray(values, dtype=…)")
        target = io.BytesIO()
        np.save(target, np.ascontiguousarray(value).reshape(value.shape), allow_pickle=False)
        return blobs.put(target.getvalue()).digest

    def fetch(self, digest: str, blobs: Blobs, tables: Tables) -> npt.NDArray[Any]:  # noqa: ARG002
        array: npt.NDArray[Any] = np.load(io.BytesIO(blobs.open(digest)), allow_pickle=False)
        return array
