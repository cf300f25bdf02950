"""Traces: told, got, tagged, linked and deleted by MLflow's clients of version 3."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any, ClassVar

import msgspec
from msgspec import field

from ostinato.app import Ostinato
from ostinato.gateways.mlflow import wire
from ostinato.gateways.mlflow.assessments import AssessmentMessage
from ostinato.gateways.mlflow.experiments import Experiments
from ostinato.gateways.mlflow.traces_shown import (
    COST,
    MODEL,
    NAME,
    OWN_TAGS,
    SESSION,
    SOURCE_RUN,
    SPANS_AT,
    STATES,
    TOKENS,
    USER,
    duration_ms,
    shown_info,
    shown_span,
)
from ostinato.gateways.mlflow.wire import A2, A3, Ask, Int64, filled
from ostinato.kernel.errors import Invalid, NotFound
from ostinato.kernel.operation import Op
from ostinato.traces.conventions import usage_of
from ostinato.traces.types import Trace, TraceState, TraceTold

_BATCH_MAX, _LINKS_MAX = 500, 100
_PROMPTS = "mlflow.linkedPrompts"
_LAST_MS = 253_402_300_799_999
"""The last millisecond of the year 9999: whoever means all traces names one beyond."""


class Experiment(Ask, kw_only=True):
    """An experiment, as a place."""

    experiment_id: str = "0"


class Location(Ask, kw_only=True):
    """The place of a trace."""

    mlflow_experiment: Experiment | None = None


class Info(Ask, kw_only=True):
    """What is told of a trace."""

    trace_id: str
    request_time: datetime
    trace_location: Location | None = None
    client_request_id: str = ""
    request_preview: str | None = None
    response_preview: str | None = None
    execution_duration: str = ""
    state: str = "STATE_UNSPECIFIED"
    trace_metadata: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    assessments: tuple[AssessmentMessage, ...] = ()


class Told(Ask, kw_only=True):
    """A trace, of which the spans come otherwise."""

    trace_info: Info


class StartTrace(Ask, kw_only=True):
    """A whole trace, told at its end."""

    trace: Told

    @property
    def needs(self) -> str:
        """What is said of a trace comes from those who may assess."""
        return "trace:assess" if self.trace.trace_info.assessments else ""


class TraceAsk(Ask, kw_only=True):
    """A trace."""

    trace_id: str


class Batch(Ask, kw_only=True):
    """Some traces, perhaps of some experiments alone."""

    trace_ids: tuple[str, ...] = ()
    experiment_ids: tuple[str, ...] = ()


class TagTrace(TraceAsk, kw_only=True):
    """A tag to set."""

    key: str
    value: str = ""


class TraceKey(TraceAsk, kw_only=True):
    """A tag to delete."""

    key: str


class DeleteTraces(Ask, kw_only=True):
    """Traces to delete: these, or the oldest of an experiment up to an instant."""

    experiment_id: str
    max_timestamp_millis: Int64 | None = None
    max_traces: Int64 | None = None
    request_ids: tuple[str, ...] = ()


class LinkTraces(Ask, kw_only=True):
    """Traces that are part of a run."""

    run_id: str
    trace_ids: tuple[str, ...] = ()


class PromptVersion(Ask, kw_only=True):
    """A version of a prompt."""

    name: str
    version: str = ""


class LinkPrompts(TraceAsk, kw_only=True):
    """The prompts that a trace used."""

    prompt_versions: tuple[PromptVersion, ...] = ()


class Traces:
    """The routes of traces."""

    def __init__(self, app: Ostinato) -> None:
        self._traces = app.traces
        self._experiments = Experiments(app)

    def start(self, ask: StartTrace) -> dict[str, Any]:
        """Keep what is told of a whole trace; clients tell it at the end, and again if they hear nothing."""
        info = ask.trace.trace_info
        place = info.trace_location and info.trace_location.mlflow_experiment
        self._traces.record(told(info, self._experiments.real(place.experiment_id if place else "0")))
        for number, said in enumerate(info.assessments):
            given = said.keywords()
            id_ = said.assessment_id or f"a-{hashlib.sha256(f'{info.trace_id}:{number}:{said.assessment_name}'.encode()).hexdigest()[:32]}"
            self._traces.assess(info.trace_id, **given, id=id_)
        kept = self._traces.get(info.trace_id)
        shown = shown_info(kept)
        if not kept.spans:
            del shown["tags"][SPANS_AT]  # clients then send as a file what they cannot send as spans, such as integers of more than 64 bits
        return {"trace": {"trace_info": shown}}

    def get_info(self, ask: TraceAsk) -> dict[str, Any]:
        """A trace without its spans."""
        return {"trace": {"trace_info": shown_info(self.found(ask.trace_id))}}

    def get(self, ask: TraceAsk) -> dict[str, Any]:
        """A trace with its spans."""
        return {"trace": self._whole(self.found(ask.trace_id))}

    def batch(self, ask: Batch) -> dict[str, Any]:
        """Those of some traces that there are, with their spans."""
        return filled(traces=[self._whole(trace) for trace in self._many(ask)])

    def batch_infos(self, ask: Batch) -> dict[str, Any]:
        """Those of some traces that there are, without their spans."""
        return filled(trace_infos=[shown_info(trace) for trace in self._many(ask)])

    def tag(self, ask: TagTrace) -> dict[str, Any]:
        """Set a tag; the name of a trace is one to clients."""
        self.found(ask.trace_id)
        if ask.key == NAME:
            self._traces.rename(ask.trace_id, ask.value)
        elif ask.key not in OWN_TAGS:
            self._traces.tag(ask.trace_id, {ask.key: ask.value})
        return {}

    def untag(self, ask: TraceKey) -> dict[str, Any]:
        """Delete a tag."""
        if ask.key not in self.found(ask.trace_id).tags:
            raise NotFound(f"No trace tag with key '{ask.key[:250]}' for trace with ID '{ask.trace_id}'")
        self._traces.tag(ask.trace_id, {ask.key: None})
        return {}

    def delete(self, ask: DeleteTraces) -> dict[str, Any]:
        """Delete traces, by their ids or up to an instant."""
        if bool(ask.request_ids) is (ask.max_timestamp_millis is not None):
            raise Invalid("Either `max_timestamp_millis` or `trace_ids` must be specified, and not both.")
        if ask.request_ids:
            if ask.max_traces is not None:
                raise Invalid("`max_traces` can't be specified if `trace_ids` is specified.", field="max_traces")
            mine = [trace.id for trace in self._traces.many(ask.request_ids) if trace.experiment_id == ask.experiment_id]
            return {"traces_deleted": self._traces.delete(mine)}
        if ask.max_traces is not None and ask.max_traces <= 0:
            raise Invalid(f"`max_traces` must be a positive integer, received {ask.max_traces}.", field="max_traces")
        until, left, gone = wire.instant(min(ask.max_timestamp_millis or 0, _LAST_MS), "max_timestamp_millis"), ask.max_traces, 0
        while left is None or gone < left:
            most = 1_000 if left is None else min(1_000, left - gone)
            found = self._traces.delete_before(ask.experiment_id, until, most)
            gone += found
            if found < most:
                break
        return {"traces_deleted": gone}

    def link(self, ask: LinkTraces) -> dict[str, Any]:
        """Make traces part of a run."""
        if len(ask.trace_ids) > _LINKS_MAX:
            raise Invalid(f"Cannot link more than {_LINKS_MAX} traces to a run in a single request.", field="trace_ids")
        if not ask.trace_ids:
            raise wire.missing("trace_ids")
        self._traces.link(list(ask.trace_ids), ask.run_id)
        return {}

    def link_prompts(self, ask: LinkPrompts) -> dict[str, Any]:
        """Note which prompts a trace used, in the tag in which clients look for them."""
        more = [{"name": prompt.name, "version": prompt.version} for prompt in ask.prompt_versions]
        self.found(ask.trace_id)
        self._traces.retag(ask.trace_id, lambda tags: {_PROMPTS: _with_prompts(tags.get(_PROMPTS, ""), more)})
        return {}

    def found(self, trace: str) -> Trace:
        """The trace with this id.

        Raises:
            NotFound: there is none; clients know the words.
        """
        try:
            return self._traces.get(trace)
        except NotFound:
            raise NotFound(f"Trace with ID '{trace[:200]}' not found.") from None

    def _many(self, ask: Batch) -> list[Trace]:
        if len(ask.trace_ids) > _BATCH_MAX:
            raise Invalid(f"at most {_BATCH_MAX} traces at once", field="trace_ids")
        found = self._traces.many(ask.trace_ids)
        return [trace for trace in found if not ask.experiment_ids or trace.experiment_id in ask.experiment_ids]

    def _whole(self, trace: Trace) -> dict[str, Any]:
        return filled(trace_info=shown_info(trace), spans=[shown_span(span) for span in self._traces.spans(trace.id)])

    OPS: ClassVar[list[Op]] = [
        Op("POST", f"{A3}/traces", start, "trace:write"),
        Op("GET", f"{A3}/traces/get", get, "trace:read"),
        Op("GET", f"{A3}/traces/batchGet", batch, "trace:read"),
        Op("POST", f"{A3}/traces/batchGetInfos", batch_infos, "trace:read"),
        Op("GET", f"{A3}/traces/{{trace_id}}", get_info, "trace:read"),
        Op("PATCH", f"{A2}/traces/{{trace_id}}/tags", tag, "trace:write"),
        Op("PATCH", f"{A3}/traces/{{trace_id}}/tags", tag, "trace:write"),
        Op("DELETE", f"{A2}/traces/{{trace_id}}/tags", untag, "trace:write"),
        Op("DELETE", f"{A3}/traces/{{trace_id}}/tags", untag, "trace:write"),
        Op("POST", f"{A2}/traces/delete-traces", delete, "trace:purge"),
        Op("POST", f"{A3}/traces/delete-traces", delete, "trace:purge"),
        Op("POST", f"{A2}/traces/link-to-run", link, "trace:write"),
        Op("POST", f"{A2}/traces/link-prompts", link_prompts, "trace:write"),
    ]


def told(info: Info, experiment_id: str) -> TraceTold:
    """What a message tells of a whole trace."""
    given = info.trace_metadata
    return TraceTold(
        id=info.trace_id,
        experiment=experiment_id,
        state=state_of(info.state),
        started_at=info.request_time,
        duration_ms=duration_ms(info.execution_duration),
        name=info.tags.get(NAME),
        request=info.request_preview,
        response=info.response_preview,
        client_request_id=info.client_request_id,
        run=given.get(SOURCE_RUN),
        candidate=given.get(MODEL),
        session=given.get(SESSION, ""),
        user=given.get(USER, ""),
        usage=usage_of(given.get(TOKENS), given.get(COST)),
        metadata=given,
        tags={key: value for key, value in info.tags.items() if key not in OWN_TAGS},
    )


def _with_prompts(known: str, more: list[dict[str, str]]) -> str:
    """The prompts that a tag names, and more of them; what is there and names none, a client has set by itself."""
    try:
        used = msgspec.json.decode(known, type=list[dict[str, str]])
    except msgspec.MsgspecError:
        used = []
    distinct = {(one.get("name", ""), one.get("version", "")): one for one in [*used, *more]}
    return json.dumps(list(distinct.values()), separators=(",", ":"))


def state_of(text: str) -> TraceState:
    """A state by the name that MLflow has for it.

    Raises:
        Invalid: it has none.
    """
    if text == "TRACE_STATUS_UNSPECIFIED":
        return "unset"
    if text not in STATES:
        raise Invalid(f"Invalid value {text[:100]!r} for parameter 'state' supplied", hint=", ".join(STATES), field="state")
    return STATES[text]
