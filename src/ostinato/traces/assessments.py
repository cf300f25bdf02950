"""The verbs of Traces on assessments: feedback and expectations by people, code and LLM judges."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import delete, insert, select, update

from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Conflict, Denied, Invalid, NotFound
from ostinato.kernel.ids import new_id
from ostinato.ledger.service import Ledger
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.traces import store
from ostinato.traces.conventions import DEEP_MAX, deep
from ostinato.traces.intake import checked_labels, clean, said_by
from ostinato.traces.issues import found_issue
from ostinato.traces.questions import check_answer
from ostinato.traces.types import Assessment, AssessmentKind, AssessmentSource

_a = store.assessment_table.c
_ASSESSMENTS_MAX = 1_000
_NAME_MAX, _TEXT_MAX, _VALUE_MAX = 250, 100_000, 100_000


class Assessing:
    """A mixin of Traces, which sets the attributes that are annotated here."""

    _rows: Rows
    _ledger: Ledger
    _clock: Clock

    def assess(
        self,
        trace: str,
        name: str,
        value: Any = None,
        kind: AssessmentKind = "feedback",
        source: AssessmentSource = "human",
        source_id: str = "",
        rationale: str = "",
        span: str | None = None,
        metadata: dict[str, str] | None = None,
        error: dict[str, str] | None = None,
        overrides: str | None = None,
        id: str | None = None,
        at: datetime | None = None,
    ) -> Assessment:
        """Say something of a trace, or of one `span` of it: how it went, or what was expected. It counts until it is overridden.

        What a person says under the name of a question is an answer to it. The kind `issue` says that the trace shows the issue whose id is
        the name.

        `source_id` names who or what says so, by default the caller, such as a judge or somebody whom an application serves; of the
        actors here only the caller. With the `id` of one that is there, that one is given back.

        Raises:
            NotFound: there is no such trace, issue or overridden assessment.
            Denied: it is said in the name of another actor.
            Invalid: there is neither a value nor an error, it is too long, or no answer to the question.
        """
        now = at or self._clock.now()
        said_value = _value(name if kind == "issue" and value is None else value, error)
        made = Assessment(
            id=id or new_id(), trace=trace, span=_span(span), name=_name(name), kind=kind, value=said_value, error=error, source=source,
            source_id=said_by(source_id), rationale=_text(rationale), metadata=checked_labels(metadata or {}, "metadata"),
            overrides=overrides, valid=True, created_at=now, created_by=caller().actor, changed_at=now,
        )  # fmt: skip

        def change(tx: Tx) -> Assessment:
            project = caller().project
            if (of := store.one(tx, project, trace)) is None:
                raise store.unknown(trace)
            said = {one.id: one for one in store.assessments(tx, project, [trace])[trace]}
            if made.id in said:
                return said[made.id]
            if len(said) >= _ASSESSMENTS_MAX:
                raise Conflict(f"trace {trace} has {_ASSESSMENTS_MAX} assessments", hint="change one of them, or drop some")
            _check_means(tx, made, of.experiment_id)
            if overrides is not None:
                _set_valid(tx, trace, overrides, valid=False)
            tx.execute(insert(store.assessment_table), {"project": project, **_row(made)})
            self._tell(tx, "trace.assessed", made)
            return made

        return self._rows.write(change)

    def assessment(self, trace: str, assessment: str) -> Assessment:
        """What was said of a trace.

        Raises:
            NotFound: there is no such assessment of this trace.
        """
        return self._rows.read(lambda tx: _found(tx, trace, assessment))

    def reassess(
        self,
        trace: str,
        assessment: str,
        name: str | None = None,
        value: Any = None,
        rationale: str | None = None,
        metadata: dict[str, str] | None = None,
        error: dict[str, str] | None = None,
    ) -> Assessment:
        """Say otherwise what one said oneself. What is None stays, metadata is added; a new value ends the error, a new error the value.

        Raises:
            NotFound: there is no such assessment of this trace.
            Denied: another said it.
            Invalid: it is no answer to the question of its name.
        """

        def change(tx: Tx) -> Assessment:
            known = _own(_found(tx, trace, assessment))
            said = (known.value, known.error) if value is None and error is None else (_value(value, error), error)
            changed = replace(
                known, name=known.name if name is None else _name(name), value=said[0], error=said[1],
                rationale=known.rationale if rationale is None else _text(rationale),
                metadata=checked_labels({**known.metadata, **(metadata or {})}, "metadata"), changed_at=self._clock.now(),
            )  # fmt: skip
            if (of := store.one(tx, caller().project, trace)) is not None:
                _check_means(tx, changed, of.experiment_id)
            tx.execute(update(store.assessment_table).where(*_this(trace, assessment)).values(**_row(changed)))
            self._tell(tx, "trace.reassessed", changed)
            return changed

        return self._rows.write(change)

    def drop_assessment(self, trace: str, assessment: str) -> None:
        """Take back what one said oneself; what it overrode counts again. No error if it is gone already.

        Raises:
            NotFound: there is no such trace.
            Denied: another said it.
        """

        def change(tx: Tx) -> None:
            if store.one(tx, caller().project, trace) is None:
                raise store.unknown(trace)
            row = tx.first(select(store.assessment_table).where(*_this(trace, assessment)))
            if row is None:
                return
            known = _own(store.read_assessment(row))
            tx.execute(delete(store.assessment_table).where(*_this(trace, assessment)))
            if known.overrides is not None:
                tx.execute(update(store.assessment_table).where(*_this(trace, known.overrides)).values(valid=True))
            self._tell(tx, "trace.assessment_dropped", known)

        self._rows.write(change)

    def _tell(self, tx: Tx, verb: str, said: Assessment) -> None:
        """What the ledger keeps: who said what kind of thing under which name. The value may be personal, and can be changed."""
        data = {"assessment": said.id, "name": said.name, "kind": said.kind, "source": said.source}
        self._ledger.append(tx, verb, said.ref, data=data)


def _this(trace: str, assessment: str) -> tuple[Any, ...]:
    return _a.project == caller().project, _a.trace == trace, _a.id == assessment


def _found(tx: Tx, trace: str, assessment: str) -> Assessment:
    row = tx.first(select(store.assessment_table).where(*_this(trace, assessment)))
    if row is not None:
        return store.read_assessment(row)
    if store.one(tx, caller().project, trace) is None:
        raise store.unknown(trace)
    hint = "traces.get(trace).assessments are those that there are"
    raise NotFound(f"Assessment with ID {assessment[:100]!r} not found for trace {trace!r}", hint=hint)


def _check_means(tx: Tx, said: Assessment, experiment: str) -> None:
    """Whether there is the issue that a trace is to show, and whether what a person says answers what was asked."""
    if said.kind == "issue":
        found_issue(tx, said.name)
    elif said.source == "human" and said.error is None:
        check_answer(tx, experiment, said.kind, said.name, said.value)


def _own(said: Assessment) -> Assessment:
    """What was said, if the caller said it: nobody puts words into another's mouth."""
    if said.created_by != caller().actor:
        raise Denied(
            f"{said.created_by} said so, and nobody else changes it", hint=f"say it yourself: traces.assess(…, overrides={said.id!r})"
        )
    return said


def _set_valid(tx: Tx, trace: str, assessment: str, *, valid: bool) -> None:
    _found(tx, trace, assessment)
    tx.execute(update(store.assessment_table).where(*_this(trace, assessment)).values(valid=valid))


def _row(said: Assessment) -> dict[str, Any]:
    row = {name: getattr(said, name) for name in _a.keys() if name not in ("project", "text", "number")}  # noqa: SIM118 — not a dict
    value, number = said.value, isinstance(said.value, int | float) and not isinstance(said.value, bool)
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return row | {"text": clean(text[: _NAME_MAX * 4]), "number": float(value) if number else None}


def _name(name: str) -> str:
    if not 1 <= len(name) <= _NAME_MAX or not name.isprintable():
        raise Invalid(f"not the name of an assessment: {name[:100]!r}", hint=f"1 to {_NAME_MAX} printable signs", field="name")
    return name


def _span(span: str | None) -> str | None:
    """The id of a span, which may arrive later than what is said of it."""
    if span is not None and (not 1 <= len(span) <= _NAME_MAX or not span.isprintable()):
        raise Invalid(f"not the id of a span: {span[:100]!r}", hint="16 hexadecimal digits", field="span")
    return span


def _text(text: str) -> str:
    if len(text) > _TEXT_MAX:
        raise Invalid(f"a rationale of {len(text)} signs", hint=f"at most {_TEXT_MAX}", field="rationale")
    return clean(text)


def _value(value: Any, error: dict[str, str] | None) -> Any:
    if value is None and error is None:
        raise Invalid("an assessment has a value, or the error of who could not judge", field="value")
    if isinstance(value, float) and not math.isfinite(value):
        raise Invalid(f"the value is {value}", hint="JSON has no such number; say it in words", field="value")
    if deep(value):
        raise Invalid("the value is too deep", hint=f"at most {DEEP_MAX} lists and objects within one another", field="value")
    if len(msgspec.json.encode(value)) > _VALUE_MAX:
        raise Invalid("the value is too long", hint=f"at most {_VALUE_MAX} bytes of JSON", field="value")
    return value
