"""Skops: estimators of scikit-learn in the format of skops, written in a third of the time, and equal estimators as equal bytes.

The library itself describes the estimator. What it would name by addresses in memory is numbered here, its archive bears no date, and its
schema no indentation, for which Python's encoder of JSON is not compiled.
"""

from __future__ import annotations

import importlib
import io
import json
import zipfile
from typing import Any

from ostinato.kernel.errors import MissingExtra


def skops_of(model: Any) -> bytes:
    """An estimator as a skops file.

    Raises:
        MissingExtra: skops is not installed.
        Exception: whatever it raises where it does not know how to keep a part of the estimator.
    """
    try:
        skops = importlib.import_module("skops")
        told = importlib.import_module("skops.io")
    except ModuleNotFoundError as error:
        raise MissingExtra.of("skops", "ml") from error
    try:
        describe = importlib.import_module("skops.io._utils").get_state
        protocol = importlib.import_module("skops.io._protocol").PROTOCOL
    except (ImportError, AttributeError):  # a version that is built otherwise
        return bytes(told.dumps(model))
    context = _Context(protocol)
    state = {**describe(model, context), "protocol": protocol, "_skops_version": skops.__version__}
    context.writestr("schema.json", json.dumps(state).encode())
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name, content in context.files.items():
            packed.writestr(zipfile.ZipInfo(name), content)
    return out.getvalue()


class _Context:
    """The save context for skops: the file, and the objects seen so far, which it keeps alive."""

    def __init__(self, protocol: int) -> None:
        self.protocol = protocol
        self.zip_file = self
        self.files: dict[str, bytes] = {}
        self._met: dict[int, tuple[int, Any]] = {}

    def memoize(self, obj: Any) -> int:
        """The number of an object, from 1: to skops 0 is none."""
        return self._met.setdefault(id(obj), (len(self._met) + 1, obj))[0]

    def namelist(self) -> dict[str, bytes]:
        return self.files

    def writestr(self, name: str, content: bytes) -> None:
        self.files[name] = bytes(content)
