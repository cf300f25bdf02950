"""Types of how traces are reviewed: what is asked, what measures, and what is found wrong."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime

from ostinato.kernel.frozen import frozen
from ostinato.kernel.ref import Ref
from ostinato.traces.types import AnswerKind, AssessmentKind, IssueState, Severity


@frozen
class Issue:
    """Something that goes wrong in an application, found in traces of an experiment; `experiment` is its id.

    Its evidence are so many `traces`: those with an assessment of the kind `issue` under its id. `run` is the run that found it, `found_by`
    who or what did, if that was told.
    """

    id: str
    experiment: str
    name: str
    description: str
    state: IssueState
    severity: Severity | None
    causes: list[str]
    categories: list[str]
    run: str | None
    found_by: str
    created_at: datetime
    created_by: str
    changed_at: datetime
    changed_by: str
    traces: int = 0

    @property
    def ref(self) -> Ref:
        """The issue."""
        return Ref("issue", self.id)


@frozen
class Answer:
    """What an answer may be: one of two `options`, the good one first; one, or `several`, of the options; a number; a text.

    A number lies between `least` and `most`, a text has at most `signs_max` signs; None is no limit.
    """

    kind: AnswerKind
    options: list[str] = field(default_factory=list)
    several: bool = False
    least: float | None = None
    most: float | None = None
    signs_max: int | None = None


@frozen
class Question:
    """What people who review the traces of an experiment are asked; their answers are assessments of its name.

    With `comment` they may say why. Every experiment has a `default` question: it is there without being made, and stays.
    """

    id: str
    experiment: str
    name: str
    kind: AssessmentKind
    answer: Answer
    instruction: str
    comment: bool
    created_at: datetime
    created_by: str
    changed_at: datetime
    changed_by: str
    default: bool = False

    @property
    def ref(self) -> Ref:
        """The question."""
        return Ref("question", self.id)


@frozen
class Scorer:
    """A version of something that judges the traces of an experiment: code, or a model with instructions. This server never runs it.

    `definition` is JSON, as whoever runs it reads it; `id` is the same for all versions. What it says are assessments of its name.
    """

    id: str
    experiment: str
    name: str
    version: int
    definition: str
    created_at: datetime
    created_by: str

    @property
    def ref(self) -> Ref:
        """This version."""
        return Ref("scorer", self.id, str(self.version))
