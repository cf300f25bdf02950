"""Assessments: what people, code and judges say of traces, by MLflow's clients."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, ClassVar

import msgspec
from msgspec import field

from ostinato.app import Ostinato
from ostinato.gateways.mlflow.traces_shown import SOURCES, shown_assessment
from ostinato.gateways.mlflow.wire import A3, Ask
from ostinato.kernel.errors import Invalid
from ostinato.kernel.operation import Op

_MASKED = {"assessmentName": "assessment_name"}


class Source(Ask, kw_only=True):
    """Who or what says so."""

    source_type: str = "SOURCE_TYPE_UNSPECIFIED"
    source_id: str = ""


class Failure(Ask, kw_only=True):
    """Why a judge could not judge."""

    error_code: str = ""
    error_message: str = ""
    stack_trace: str = ""

    def told(self) -> dict[str, str]:
        """Those of its parts that there are."""
        return {key: value for key, value in msgspec.structs.asdict(self).items() if value}


class Serialized(Ask, kw_only=True):
    """A value as JSON in a text."""

    value: str = "null"


class Said(Ask, kw_only=True):
    """Feedback or an expectation."""

    value: Any = None
    serialized_value: Serialized | None = None
    error: Failure | None = None

    def plain(self) -> Any:
        """The value itself."""
        if self.serialized_value is None:
            return self.value
        try:
            return json.loads(self.serialized_value.value)
        except (ValueError, RecursionError):
            raise Invalid("serialized_value holds no JSON", field="expectation") from None


class IssueReference(Ask, kw_only=True):
    """What an issue is called that a trace shows; the assessment has its id as its name."""

    issue_name: str = ""


class AssessmentMessage(Ask, kw_only=True):
    """An assessment; what the client cannot know is not there."""

    assessment_name: str = ""
    assessment_id: str | None = None
    trace_id: str = ""
    span_id: str | None = None
    source: Source | None = None
    create_time: datetime | None = None
    feedback: Said | None = None
    expectation: Said | None = None
    issue: IssueReference | None = None
    rationale: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    overrides: str | None = None

    def said(self) -> Said:
        """What it says.

        Raises:
            Invalid: nothing, or two things at once.
        """
        issue = Said(value=self.issue.issue_name) if self.issue else None
        found = [said for said in (self.feedback, self.expectation, issue) if said is not None]
        if len(found) != 1:
            raise Invalid("Exactly one of `expectation`, `feedback` or `issue` should be specified.", field="assessment")
        return found[0]

    def keywords(self) -> dict[str, Any]:
        """What `traces.assess` takes."""
        said, source = self.said(), self.source or Source()
        return {
            "name": self.assessment_name,
            "value": said.plain(),
            "error": said.error.told() if said.error else None,
            "kind": "feedback" if self.feedback else "expectation" if self.expectation else "issue",
            "source": SOURCES.get(source.source_type, "unset"),
            "source_id": source.source_id,
            "rationale": self.rationale,
            "span": self.span_id or None,
            "metadata": self.metadata,
            "overrides": self.overrides or None,
            "at": self.create_time,
        }


class CreateAssessment(Ask, kw_only=True):
    """Something to say."""

    trace_id: str
    assessment: AssessmentMessage


class AssessmentAsk(Ask, kw_only=True):
    """Something that was said."""

    trace_id: str
    assessment_id: str


class UpdateAssessment(AssessmentAsk, kw_only=True):
    """Something to say otherwise, in the parts that the mask names."""

    assessment: AssessmentMessage
    update_mask: str


class Assessments:
    """The routes of assessments."""

    def __init__(self, app: Ostinato) -> None:
        self._traces = app.traces

    def create(self, ask: CreateAssessment) -> dict[str, Any]:
        """Say something of a trace."""
        return {"assessment": shown_assessment(self._traces.assess(ask.trace_id, **ask.assessment.keywords()))}

    def get(self, ask: AssessmentAsk) -> dict[str, Any]:
        """What was said."""
        return {"assessment": shown_assessment(self._traces.assessment(ask.trace_id, ask.assessment_id))}

    def update(self, ask: UpdateAssessment) -> dict[str, Any]:
        """Say it otherwise. Who says it, and of which span, stays."""
        masked = {_MASKED.get(path.strip(), path.strip()) for path in ask.update_mask.split(",")}
        if odd := masked - {"assessment_name", "feedback", "expectation", "rationale", "metadata"}:
            raise Invalid(f"{', '.join(sorted(odd))} cannot be updated", field="update_mask")
        known, given = self._traces.assessment(ask.trace_id, ask.assessment_id), ask.assessment
        more: dict[str, Any] = {}
        for kind, said in (("feedback", given.feedback), ("expectation", given.expectation)):
            if kind in masked and said is not None:
                if known.kind != kind:
                    raise Invalid(f"Cannot update {kind} value on {'an' if known.kind[0] == 'e' else 'a'} {known.kind} assessment.")
                more |= {"value": said.plain(), "error": said.error.told() if said.error else None}
        if "assessment_name" in masked:
            more["name"] = given.assessment_name
        if "rationale" in masked:
            more["rationale"] = given.rationale
        if "metadata" in masked:
            more["metadata"] = given.metadata
        return {"assessment": shown_assessment(self._traces.reassess(ask.trace_id, ask.assessment_id, **more))}

    def delete(self, ask: AssessmentAsk) -> dict[str, Any]:
        """Take it back."""
        self._traces.drop_assessment(ask.trace_id, ask.assessment_id)
        return {}

    OPS: ClassVar[list[Op]] = [
        Op("POST", f"{A3}/traces/{{trace_id}}/assessments", create, "trace:assess"),
        Op("GET", f"{A3}/traces/{{trace_id}}/assessments/{{assessment_id}}", get, "trace:read"),
        Op("PATCH", f"{A3}/traces/{{trace_id}}/assessments/{{assessment_id}}", update, "trace:assess"),
        Op("DELETE", f"{A3}/traces/{{trace_id}}/assessments/{{assessment_id}}", delete, "trace:assess"),
    ]
