"""Log: what runs measure, are given, are called and use. Whatever is sent again changes nothing."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any, ClassVar

import msgspec
from blake3 import blake3

from ostinato.app import Ostinato
from ostinato.gateways.mlflow.experiments import NOTE
from ostinato.gateways.mlflow.runs import CONTEXT, NAME, RunAsk, about
from ostinato.gateways.mlflow.wire import A2, Ask, Int64, Pair, check_key
from ostinato.kernel.errors import Invalid, NotFound
from ostinato.kernel.operation import Op
from ostinato.kernel.ref import Ref
from ostinato.storage.series.series import ONCE
from ostinato.tracking.types import MetricFrame, Source, Use

HISTORY = "mlflow.log-model.history"
_PARAM_MAX = 100_000
"""MLflow cuts what is longer than 6,000 signs, or refuses it; here it is kept whole."""
_METRICS_MAX, _PARAMS_MAX, _TAGS_MAX, _ITEMS_MAX, _BYTES_MAX = 1_000, 100, 100, 1_000, 1_000_000
_US_MAX = (2**63 - 1) // 1000


class Measured(Ask, kw_only=True):
    """A point: of a run, and perhaps of a logged model on some data."""

    key: str
    value: float
    timestamp: Int64
    step: Int64 = 0
    model_id: str = ""
    dataset_name: str = ""
    dataset_digest: str = ""

    @property
    def of(self) -> tuple[str, str, str]:
        """The logged model and the data."""
        return self.model_id, self.dataset_name, self.dataset_digest


class LogMetric(Measured, kw_only=True):
    """A point of a run."""

    run_id: str = ""
    run_uuid: str = ""

    @property
    def run(self) -> str:
        """The id of the run."""
        return RunAsk(run_id=self.run_id, run_uuid=self.run_uuid).run


class LogPair(RunAsk, kw_only=True):
    """A parameter or a tag."""

    key: str
    value: str = ""


class RunKey(RunAsk, kw_only=True):
    """A tag to delete."""

    key: str


class LogBatch(RunAsk, kw_only=True):
    """Points, parameters and tags."""

    metrics: tuple[Measured, ...] = ()
    params: tuple[Pair, ...] = ()
    tags: tuple[Pair, ...] = ()


class Dataset(Ask, kw_only=True):
    """Data as a client describes it."""

    name: str
    digest: str = ""
    source_type: str = ""
    source: str = ""
    schema: str = ""
    profile: str = ""


class DatasetInput(Ask, kw_only=True):
    """Data that a run used, and how."""

    dataset: Dataset
    tags: tuple[Pair, ...] = ()


class ModelInput(Ask, kw_only=True):
    """A logged model that a run used."""

    model_id: str


class ModelOutput(ModelInput, kw_only=True):
    """A logged model that a run made."""

    step: Int64 = 0


class LogInputs(RunAsk, kw_only=True):
    """What a run used."""

    datasets: tuple[DatasetInput, ...] = ()
    models: tuple[ModelInput, ...] = ()


class LogOutputs(RunAsk, kw_only=True):
    """What a run made."""

    models: tuple[ModelOutput, ...]


class LogModel(RunAsk, kw_only=True):
    """The `MLmodel` of a model that a run keeps among its files, as JSON."""

    model_json: str = ""


class Log:
    """The routes by which runs are fed."""

    def __init__(self, app: Ostinato) -> None:
        self._runs = app.runs

    def metric(self, ask: LogMetric) -> dict[str, Any]:
        """Keep a point."""
        with about(self._runs, ask.run):
            self._measure(ask.run, [ask])
        return {}

    def param(self, ask: LogPair) -> dict[str, Any]:
        """Keep a parameter, which never changes."""
        with about(self._runs, ask.run):
            self._change(ask.run, [Pair(key=ask.key, value=ask.value)], [])
        return {}

    def tag(self, ask: LogPair) -> dict[str, Any]:
        """Set a tag."""
        with about(self._runs, ask.run):
            self._change(ask.run, [], [Pair(key=ask.key, value=ask.value)])
        return {}

    def untag(self, ask: RunKey) -> dict[str, Any]:
        """Delete a tag."""
        with about(self._runs, ask.run):
            run = self._runs.get(ask.run)
            if run.deleted_at is None and ask.key not in (run.tags | ({NOTE: run.note} if run.note else {})):
                raise NotFound(f"No tag with name: {ask.key} in run with id {ask.run}")
            if ask.key == NOTE:
                self._runs.change(ask.run, note="")
            else:
                self._runs.change(ask.run, tags={ask.key: None})
        return {}

    def batch(self, ask: LogBatch) -> dict[str, Any]:
        """Keep points, parameters and tags: if a parameter would change, nothing of it."""
        _check_size(ask)
        with about(self._runs, ask.run):
            if ask.params or ask.tags or not ask.metrics:
                self._change(ask.run, ask.params, ask.tags)
            self._measure(ask.run, ask.metrics)
        return {}

    def inputs(self, ask: LogInputs) -> dict[str, Any]:
        """Say which data and which logged models a run used."""
        with about(self._runs, ask.run):
            if ask.datasets:
                self._runs.use(ask.run, self._said(ask.run, [_use(given) for given in ask.datasets]))
            if ask.models:
                self._runs.link(ask.run, inputs=[_candidate(model.model_id) for model in ask.models])
        return {}

    def _said(self, run: str, uses: list[Use]) -> list[Use]:
        """Uses that say something: a client names the data of a metric without its context, also where the run has told that."""
        if all(use.context for use in uses):
            return uses
        known = {(use.source.name, use.source.digest) for use in self._runs.sources([run])[run] if use.context}
        return [use for use in uses if use.context or (use.source.name, use.source.digest) not in known]

    def outputs(self, ask: LogOutputs) -> dict[str, Any]:
        """Say which logged models a run made."""
        with about(self._runs, ask.run):
            for model in ask.models:
                self._runs.candidate(model.model_id)
            self._runs.link(ask.run, outputs=[_candidate(model.model_id) for model in ask.models])
        for model in ask.models:
            self._runs.change_candidate(model.model_id, step=model.step)
        return {}

    def model(self, ask: LogModel) -> dict[str, Any]:
        """Note a model that lies among the files of a run."""
        try:
            described = msgspec.json.decode(ask.model_json)
        except (msgspec.DecodeError, RecursionError):
            raise Invalid(f"Malformed model info. \n {ask.model_json[:500]} \n is not a valid JSON.", field="model_json") from None
        lacks = {"artifact_path", "flavors", "utc_time_created", "run_id"} - set(described if isinstance(described, dict) else ())
        if lacks:
            raise Invalid(f"Model json is missing mandatory fields: {sorted(lacks)}", field="model_json")
        with about(self._runs, ask.run):
            known = msgspec.json.decode(self._runs.get(ask.run).tags.get(HISTORY, "[]"))
            if described not in known:
                self._runs.tag(ask.run, {HISTORY: msgspec.json.encode([*known, described]).decode()})
        return {}

    def _change(self, run: str, params: Sequence[Pair], tags: Sequence[Pair]) -> None:
        given = {param.key: param.value for param in params}
        if len(given) != len(params):
            raise Invalid(f"Duplicate parameter keys have been submitted: {sorted({p.key for p in params})}", field="params")
        for key, value in given.items():
            if len(value) > _PARAM_MAX:
                raise Invalid(f"Param value '{value[:50]}…' had length {len(value)}, which exceeded length limit of {_PARAM_MAX}")
            check_key(key)
        said = {tag.key: tag.value for tag in tags}
        for key in said:
            check_key(key)
        note, name = said.pop(NOTE, None), said.pop(NAME, None)
        self._runs.change(run, name=name, note=note, params=dict(given), tags=dict(said))

    def _measure(self, run: str, points: Sequence[Measured]) -> None:
        """Keep points, once: the batch is called by what it holds, so that the same one is known when it comes again."""
        for key in {point.key for point in points}:
            check_key(key)
        ordered = sorted(points, key=lambda point: point.of) if any(point.model_id for point in points) else points
        for of, group in groupby(ordered, key=lambda point: point.of):
            given = list(dict.fromkeys((p.key, p.step, _us(p.timestamp), struct.pack("<d", p.value)) for p in group))
            frame = MetricFrame.of([(key, step, at, struct.unpack("<d", value)[0]) for key, step, at, value in given])
            held = blake3(msgspec.msgpack.encode((of, frame.keys, frame.key, frame.steps, frame.times_us, frame.values)))
            named = replace(frame, candidate=of[0], dataset_name=of[1], dataset_digest=of[2])
            self._runs.log(run, f"{ONCE}{held.hexdigest(length=16)}", 0, named)

    OPS: ClassVar[list[Op]] = [
        Op("POST", f"{A2}/runs/log-metric", metric, "run:write"),
        Op("POST", f"{A2}/runs/log-parameter", param, "run:write"),
        Op("POST", f"{A2}/runs/set-tag", tag, "run:write"),
        Op("POST", f"{A2}/runs/delete-tag", untag, "run:write"),
        Op("POST", f"{A2}/runs/log-batch", batch, "run:write"),
        Op("POST", f"{A2}/runs/log-inputs", inputs, "run:write"),
        Op("POST", f"{A2}/runs/outputs", outputs, "run:write"),
        Op("POST", f"{A2}/runs/log-model", model, "run:write"),
    ]


def _check_size(ask: LogBatch) -> None:
    for name, given, limit in (("metrics", ask.metrics, _METRICS_MAX), ("params", ask.params, _PARAMS_MAX), ("tags", ask.tags, _TAGS_MAX)):
        if len(given) > limit:
            said = f"A batch logging request can contain at most {limit} {name}. Got {len(given)} {name}."
            raise Invalid(f"{said} Please split up {name} across multiple requests and try again.", field=name)
    if (total := len(ask.metrics) + len(ask.params) + len(ask.tags)) > _ITEMS_MAX:
        raise Invalid(f"A batch logging request can contain at most {_ITEMS_MAX} metrics, params and tags in total. Got {total}.")


def _use(given: DatasetInput) -> Use:
    said = given.dataset
    tags = {tag.key: tag.value for tag in given.tags}
    source = Source(
        name=said.name, digest=said.digest, type=said.source_type, source=said.source, schema=said.schema, profile=said.profile
    )  # fmt: skip
    return Use(source=source, context=tags.pop(CONTEXT, ""), tags=tags)


def _candidate(model_id: str) -> Ref:
    return Ref("candidate", model_id)


def _us(timestamp: int) -> int:
    if not 0 <= timestamp <= _US_MAX:
        raise Invalid(
            f"Invalid value {timestamp} for parameter 'timestamp' supplied: not an instant in milliseconds after 1970", field="timestamp"
        )
    return timestamp * 1000
