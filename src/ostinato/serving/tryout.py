"""The verb that asks the versions of an endpoint for a prediction from the control plane, outside of its traffic."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from ostinato.data.schema import to_wire
from ostinato.kernel.errors import Invalid, NotFound
from ostinato.registry.service import Models
from ostinato.registry.types import Field, Signature
from ostinato.serving import store
from ostinato.serving.lookup import find_endpoint
from ostinato.serving.plane.log import FEATURE, read_lines
from ostinato.serving.plane.scoring import checked
from ostinato.serving.reconcile import PlaneReconciler
from ostinato.serving.types import Endpoint, Form, Scalar, Share, Tried
from ostinato.storage.rows.rows import Rows

_KINDS = {"float64": "number", "int64": "integer", "bool": "boolean", "string": "string"}


class Tryouts:
    """A mixin of Endpoints, which sets the attributes that are annotated here.

    A try is scored in the control plane by the same artifact: it enters no log, so neither rollouts nor monitors see it, and nothing can
    be labelled by it. Its latency is that of the model alone.
    """

    _rows: Rows
    _models: Models
    _planes: PlaneReconciler

    def form(self, endpoint: str) -> Form:
        """The inputs of the stable version as a JSON Schema, with example values from a recent prediction or its input example."""
        found = self._endpoint(endpoint)
        signature = self._models.get(str(found.version)).signature
        example = _example(self._planes.log(endpoint), signature)
        if not example and (proved := self._models.proved(str(found.version))):
            example = {name: values[0] for name, values in proved.example.items()}
        return Form(version=found.version, schema=schema_of(signature), example=example)

    def try_out(self, endpoint: str, row: dict[str, Scalar], version: int | None = None) -> list[Tried]:
        """Predictions of every version of an endpoint, or of one, for a row of inputs; nothing is logged.

        Raises:
            Invalid: an input is missing, unknown or of another type.
            NotFound: that version is not behind the endpoint.
        """
        shares = self._endpoint(endpoint).shares
        wanted = [s for s in shares if version is None or s.version.version == str(version)]
        if not wanted:
            raise NotFound(f"version {version} is not behind {endpoint}", hint=f"these are: {', '.join(str(s.version) for s in shares)}")
        return [self._tried(share, row) for share in wanted]

    def _tried(self, share: Share, row: dict[str, Scalar]) -> Tried:
        columns = _columns(self._models.get(str(share.version)).signature, row)
        scorer = self._models.scorer(str(share.version))
        started = time.perf_counter()
        score = float(checked(scorer.predict(columns), 1)[0])
        return Tried(version=share.version, role=share.role, score=score, latency_ms=round((time.perf_counter() - started) * 1000, 3))

    def _endpoint(self, endpoint: str) -> Endpoint:
        return self._rows.read(lambda tx: store.read_endpoint(find_endpoint(tx, endpoint)))


def schema_of(signature: Signature) -> dict[str, Any]:
    """The JSON Schema (2020-12) of one row of inputs.

    >>> schema_of(Signature(inputs=[Field(name="hour", dtype="int64", nullable=False)]))["properties"]
    {'hour': {'type': 'integer'}}
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {field.name: _property(field) for field in signature.inputs},
        "required": signature.names,
        "additionalProperties": False,
    }


def _property(field: Field) -> dict[str, Any]:
    if field.categories is not None:
        return {"enum": [*field.categories, *([None] if field.nullable else [])]}
    kind = _KINDS[field.dtype]
    return {"type": [kind, "null"] if field.nullable else kind}


def _columns(signature: Signature, row: dict[str, Scalar]) -> dict[str, np.ndarray[Any, Any]]:
    """The row as a model takes it."""
    if unknown := sorted(set(row) - set(signature.names)):
        raise Invalid(f"no input {unknown[0]!r}", hint=f"inputs: {', '.join(signature.names)}", field=f"row.{unknown[0]}")
    return {field.name: _value(field, row) for field in signature.inputs}


def _value(field: Field, row: dict[str, Scalar]) -> np.ndarray[Any, Any]:
    name, value = field.name, row.get(field.name)
    if name not in row or (value is None and not field.nullable):
        raise Invalid(f"{name} has no value", hint=f"give a {_KINDS[field.dtype]}", field=f"row.{name}")
    text = field.dtype == "string"
    if value is not None and text is not isinstance(value, str):
        raise Invalid(f"{name} is {value!r}", hint=f"give a {_KINDS[field.dtype]}", field=f"row.{name}")
    if field.dtype == "int64" and isinstance(value, float) and not value.is_integer():
        raise Invalid(f"{name} is {value!r}", hint="give a whole number", field=f"row.{name}")
    if text:
        column: np.ndarray[Any, Any] = np.empty(1, object)
        column[0] = value
        return column
    return np.array([np.nan if value is None else value], np.float64)


def _example(folder: Path, signature: Signature) -> dict[str, Scalar]:
    """The inputs of a recent answer; without any, nothing."""
    for features in _recent(folder):
        if all(name in features for name in signature.names):
            return {name: to_wire(features[name]) for name in signature.names}
    return {}


def _recent(folder: Path) -> Iterator[dict[str, Any]]:
    """The features of the last answer in each file of a log, newest file first."""
    for lines in sorted(folder.glob("wal-*.jsonl"), reverse=True):
        given = [line for line in read_lines(lines) if line.get("features")]
        if given:
            yield {name: values[0] for name, values in given[-1]["features"].items()}
    for segment in sorted(folder.glob("segment-*.parquet"), key=lambda path: path.stat().st_mtime_ns, reverse=True):
        with pq.ParquetFile(segment) as file:
            names = [name for name in file.schema_arrow.names if name.startswith(FEATURE)]
            last = file.read_row_group(file.num_row_groups - 1, names) if file.num_row_groups else None
        if last is not None and last.num_rows:
            yield {name.removeprefix(FEATURE): value for name, value in last.slice(last.num_rows - 1).to_pylist()[0].items()}
