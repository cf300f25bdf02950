"""Questions: the verbs of Traces that say what people who review them are asked, and what they may answer."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from typing import Any

import msgspec
from sqlalchemy import Boolean, Column, Row, Table, Text, UniqueConstraint, delete, insert, select, update

from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Conflict, Invalid, NotFound
from ostinato.kernel.ids import new_id
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.storage.rows.rows import Instant, Json, Rows, Tx, metadata
from ostinato.traces.intake import clean
from ostinato.traces.review_types import Answer, Question
from ostinato.traces.types import AssessmentKind
from ostinato.tracking.types import Experiment
from ostinato.tracking.verbs.experiments import active_experiment, find_experiment

question_table = Table(
    "traces_question",
    metadata,
    Column("project", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("experiment", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("answer", Json, nullable=False),
    Column("instruction", Text, nullable=False),
    Column("comment", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("changed_by", Text, nullable=False),
    UniqueConstraint("project", "experiment", "name"),
)
_q = question_table.c
DEFAULT, _DEFAULT_ID = "Feedback", "ls-default-"
_NAME_MAX, _INSTRUCTION_MAX, _OPTIONS_MAX, _OPTION_MAX, _QUESTIONS_MAX = 250, 1_000, 10, 64, 1_000
_PASSED = (True, False, "yes", "no")
"""How programs write that something passed, or not, beside the words of the question."""


class Questions:
    """A mixin of Traces, which sets the attributes that are annotated here."""

    _rows: Rows
    _ledger: Ledger
    _clock: Clock

    def create_question(
        self,
        experiment: str,
        name: str,
        answer: Answer,
        kind: AssessmentKind = "feedback",
        instruction: str = "",
        comment: bool = False,
        id: str | None = None,
    ) -> Question:
        """Ask something of everyone who reviews traces of an experiment, by its id or name. With the `id` of one that is there, that one.

        Raises:
            NotFound: there is no such experiment.
            Conflict: it has a question of that name.
        """
        now, by = self._clock.now(), caller().actor
        if kind == "issue":
            raise Invalid("a question asks for feedback or an expectation", hint="traces.report_issue says what is wrong", field="kind")

        def change(tx: Tx) -> Question:
            of = active_experiment(tx, experiment)
            if id and (known := _one(tx, id)):
                return known
            made = Question(
                id=Ref("question", id or f"ls-{new_id()}").name, experiment=of.id, name=_name(name), kind=kind, answer=checked(answer),
                instruction=_instruction(instruction), comment=comment, created_at=now, created_by=by, changed_at=now, changed_by=by,
            )  # fmt: skip
            _check_free(tx, made)
            tx.execute(insert(question_table), {"project": caller().project, **_row(made)})
            self._ledger.append(tx, "question.created", made.ref, data={"name": name, "experiment": of.id})
            return made

        return self._rows.write(change)

    def question(self, question: str) -> Question:
        """The question with this id.

        Raises:
            NotFound: there is none.
        """
        return self._rows.read(lambda tx: _known(tx, question))

    def questions(self, experiment: str) -> list[Question]:
        """What is asked of traces of an experiment, by its id or name, the newest first; the default question comes last.

        Raises:
            NotFound: there is no such experiment.
        """

        def query(tx: Tx) -> list[Question]:
            of = find_experiment(tx, experiment)
            asked = select(question_table).where(_q.project == caller().project, _q.experiment == of.id)
            return [*(_read(row) for row in tx.all(asked.order_by(_q.created_at.desc(), _q.id.desc()))), _default(of)]

        return self._rows.read(query)

    def change_question(
        self, question: str, name: str | None = None, instruction: str | None = None, comment: bool | None = None,
        answer: Answer | None = None,
    ) -> Question:  # fmt: skip
        """Ask otherwise. What is None stays; the kind of answer stays in any case, for answers were given already.

        Raises:
            NotFound: there is no such question.
            Conflict: there is another of that name.
            Invalid: it is the default question.
        """

        def change(tx: Tx) -> Question:
            known = _made(tx, question, "edited")
            kept = known.answer if answer is None else checked(answer)
            if (kept.kind, kept.several) != (known.answer.kind, known.answer.several):
                raise Invalid("the kind of answer cannot be changed", hint="drop the question and ask another", field="answer")
            changed = replace(
                known, name=known.name if name is None else _name(name), answer=kept,
                instruction=known.instruction if instruction is None else _instruction(instruction),
                comment=known.comment if comment is None else comment, changed_at=self._clock.now(), changed_by=caller().actor,
            )  # fmt: skip
            if changed.name != known.name:
                _check_free(tx, changed)
            tx.execute(update(question_table).where(_q.project == caller().project, _q.id == question).values(**_row(changed)))
            self._ledger.append(tx, "question.changed", changed.ref, data={"name": changed.name})
            return changed

        return self._rows.write(change)

    def drop_question(self, question: str) -> None:
        """Ask no more. What was answered stays; no error if it is gone already.

        Raises:
            Invalid: it is the default question.
        """

        def change(tx: Tx) -> None:
            if question.startswith(_DEFAULT_ID):
                _made(tx, question, "deleted")
            if tx.execute(delete(question_table).where(_q.project == caller().project, _q.id == question)).rowcount:
                self._ledger.append(tx, "question.dropped", Ref("question", question))

        self._rows.write(change)


def check_answer(tx: Tx, experiment: str, kind: str, name: str, value: Any) -> None:
    """Refuse what is no answer to the question of this name, if there is one.

    Raises:
        Invalid: the message says what an answer may be.
    """
    row = tx.first(select(_q.answer).where(_q.project == caller().project, _q.experiment == experiment, _q.name == name, _q.kind == kind))
    if row is None:
        return
    asked = msgspec.convert(row.answer, Answer)
    if not _answers(asked, value):
        raise Invalid(f"that does not answer the question {name!r}", hint=_may_be(asked), field="value")


def forget_questions(tx: Tx, experiment: str) -> None:
    """Delete the questions of an experiment that is purged."""
    tx.execute(delete(question_table).where(_q.project == caller().project, _q.experiment == experiment))


def checked(answer: Answer) -> Answer:
    """What an answer may be, if anything meets it.

    Raises:
        Invalid: nothing does, or it says what its kind does not have.
    """
    options, either, choice = answer.options, answer.kind == "pass_fail", answer.kind in ("pass_fail", "choice")
    bounds = [bound for bound in (answer.least, answer.most) if bound is not None]
    wrong = {
        "options are a non-empty list": choice and not options,
        f"there are at most {_OPTIONS_MAX} options": len(options) > _OPTIONS_MAX,
        f"an option has 1 and at most {_OPTION_MAX} characters": not all(1 <= len(option) <= _OPTION_MAX for option in options),
        "options must be distinct, that is deduplicated": len({*options}) != len(options),
        "there are two options, one for what passes and one for what fails": either and len(options) != 2,
        "a bound is a finite number": not all(map(math.isfinite, bounds)),
        "the least must be strictly less than the most": len(bounds) == 2 and bounds[0] >= bounds[1],
        "a text may have at least 1 sign": answer.signs_max is not None and answer.signs_max < 1,
        "options are of the kinds pass_fail and choice": bool(options) and not choice,
        "several are answered to a choice only": answer.several and answer.kind != "choice",
        "bounds are of the kind number": bool(bounds) and answer.kind != "number",
    }
    for said, is_so in wrong.items():
        if is_so:
            raise Invalid(said, hint='{"kind": "choice", "options": ["a", "b"]}, {"kind": "number", "least": 1, "most": 5}', field="answer")
    return answer


def _answers(asked: Answer, value: Any) -> bool:
    match asked.kind:
        case "pass_fail":
            return value in (*asked.options, *_PASSED)
        case "choice":
            given = value if asked.several and isinstance(value, list) else [value]
            return all(isinstance(one, str) and one in asked.options for one in given)
        case "number":
            low, high = (-math.inf if asked.least is None else asked.least), (math.inf if asked.most is None else asked.most)
            return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
    return isinstance(value, str) and (asked.signs_max is None or len(value) <= asked.signs_max)


def _may_be(asked: Answer) -> str:
    match asked.kind:
        case "number":
            low, high = (f" {word} {bound:g}" if bound is not None else "" for word, bound in (("from", asked.least), ("to", asked.most)))
            return f"a number{low}{high}"
        case "text":
            return "a text" if asked.signs_max is None else f"a text of up to {asked.signs_max} signs"
    return ("some of " if asked.several else "one of ") + ", ".join(asked.options)


def _one(tx: Tx, question: str) -> Question | None:
    row = tx.first(select(question_table).where(_q.project == caller().project, _q.id == question))
    return _read(row) if row else None


def _known(tx: Tx, question: str) -> Question:
    if question.startswith(_DEFAULT_ID):
        return _default(find_experiment(tx, question.removeprefix(_DEFAULT_ID)))
    if (found := _one(tx, question)) is None:
        raise NotFound(f"no question with the id {question[:200]!r}", hint="traces.questions(experiment) lists those of an experiment")
    return found


def _made(tx: Tx, question: str, done: str) -> Question:
    found = _known(tx, question)
    if found.default:
        raise Invalid(f"The experiment's default question cannot be {done}", hint="ask others beside it", field="question")
    return found


def _default(of: Experiment) -> Question:
    return Question(
        id=_DEFAULT_ID + of.id, experiment=of.id, name=DEFAULT, kind="feedback", answer=Answer(kind="text"),
        instruction="Share any feedback on this trace.", comment=False, created_at=of.created_at, created_by=of.created_by,
        changed_at=of.created_at, changed_by=of.created_by, default=True,
    )  # fmt: skip


def _check_free(tx: Tx, asked: Question) -> None:
    mine = (_q.project == caller().project, _q.experiment == asked.experiment)
    names = {row.name for row in tx.all(select(_q.name).where(*mine))}
    if asked.name in names:
        raise Conflict(f"experiment {asked.experiment} has a question {asked.name!r} already", hint="change that one")
    if len(names) >= _QUESTIONS_MAX:
        raise Conflict(f"{len(names)} questions are asked already", hint="drop some")


def _name(name: str) -> str:
    if not 1 <= len(name) <= _NAME_MAX or not name.isprintable():
        raise Invalid(
            f"not the name of a question: {name[:100]!r}", hint=f"printable, of 1 and at most {_NAME_MAX} characters", field="name"
        )
    if name.strip().lower() == DEFAULT.lower():
        raise Invalid(f"{name!r} is reserved for the experiment's default question", hint="call it otherwise", field="name")
    return name


def _instruction(text: str) -> str:
    if len(text) > _INSTRUCTION_MAX:
        raise Invalid(f"an instruction of {len(text)} signs", hint=f"at most {_INSTRUCTION_MAX} characters", field="instruction")
    return clean(text)


def _row(asked: Question) -> dict[str, Any]:
    row = {name: getattr(asked, name) for name in _q.keys() if name not in ("project", "answer")}  # noqa: SIM118 — not a dict
    return row | {"answer": asdict(asked.answer)}


def _read(row: Row[Any]) -> Question:
    return Question(
        **{name: value for name, value in row._mapping.items() if name not in ("project", "answer")},
        answer=msgspec.convert(row.answer, Answer),
    )
