"""The nouns of the registry: Signature, Model, ModelVersion, GateResult, Check, Approval, Policy, AliasState."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from ostinato.evaluation.types import Estimate, Evaluation
from ostinato.kernel.ref import Ref

Dtype = Literal["float64", "int64", "bool", "string"]
Scalar = str | float | int | bool | None
State = Literal["registered", "approved", "rejected", "retired"]
Verb = Literal["check", "approve", "reject", "promote", "rollback", "retire"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A named column of a model's input or output; a string input lists its `categories`, in the order of their codes."""

    name: str
    dtype: Dtype = "float64"
    nullable: bool = True
    categories: list[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """The columns that a model takes, in the order in which it takes them, and what it answers."""

    inputs: list[Field]
    outputs: list[Field] = field(default_factory=lambda: [Field(name="score", nullable=False)])

    @property
    def names(self) -> list[str]:
        """The names of the inputs, in order."""
        return [f.name for f in self.inputs]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSpec:
    """A gate by name, with its parameters."""

    gate: str
    parameters: dict[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataAge:
    """A dataset version that a model was trained on, and when its rows were delivered."""

    dataset: Ref
    delivered_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GateContext:
    """What a gate may look at: the version, its evaluation, the champion and the baseline on the same rows, the data and the time."""

    version: ModelVersion
    evaluation: Evaluation | None
    champion: Ref | None
    champion_evaluation: Evaluation | None
    data: list[DataAge]
    now: datetime
    baseline_evaluation: Evaluation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a gate found: the number that it measured, the one that it was held against, and one sentence."""

    passed: bool
    reason: str
    measured: float | None = None
    threshold: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """A gate, its parameters and its verdict."""

    gate: str
    parameters: dict[str, Scalar]
    passed: bool
    reason: str
    measured: float | None = None
    threshold: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """All gates of a version at one moment.

    It holds for `binding`, the digest of artifact, signature, evaluation and policy together, and against `champion`, the
    version that was champion then: when either has changed, it no longer counts.
    """

    id: str
    version: Ref
    binding: str
    champion: int | None
    passed: bool
    results: list[GateResult]
    at: datetime
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """An approval, a rejection or a retirement of a version.

    `by` is who decided: `person:rita`, or `policy:late@2` for a declared policy, whose declarer is then `responsible`.
    It holds for `binding` only; `check` is the evidence on which it rests.
    """

    kind: Literal["approved", "rejected", "retired"]
    by: str
    responsible: str
    reason: str
    at: datetime
    binding: str
    check: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A named model: what it is for, who owns it, which gates its versions must pass and how many people must approve."""

    name: str
    description: str
    owner: str
    risk: Literal["low", "medium", "high"]
    gates: list[GateSpec]
    approvals: int
    created_at: datetime
    created_by: str
    aliases: dict[str, int] = field(default_factory=dict)
    latest: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion:
    """An immutable artifact with all that made it. `author` registered it and therefore cannot approve it.

    `artifact` is the digest of the bytes, `evaluation` the id of the evaluation on which the gates look, `data` the digest
    of its rows. `state` follows from `decisions`: those that hold for the present `binding` count.
    """

    model: str
    version: int
    ref: Ref
    state: State
    artifact: str
    size: int
    flavor: str
    signature: Signature
    run: Ref | None
    datasets: list[Ref]
    evaluation: str | None
    features: list[str]
    note: str
    author: str
    registered_at: datetime
    binding: str
    decisions: list[Decision] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A standing approval that a person gave in advance: versions of `model` by one of `authors` that pass all gates.

    It is void once the gates or the number of approvals of the model change (`rules` no longer fits) or it has expired.
    """

    model: str
    number: int
    authors: list[str]
    reason: str
    rules: str
    declared_by: str
    declared_at: datetime
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasState:
    """Which version an alias named from `since` on, who moved it there and why, who had approved it, on which evidence.

    One that is `withdrawn` names nothing from then on; `version` is what it named until then.
    """

    model: str
    alias: str
    version: int
    ref: Ref
    since: datetime
    promoted_by: str
    reason: str
    how: Literal["promoted", "rolled_back", "withdrawn"]
    approved_by: list[str]
    approvals: list[Decision]
    evidence: Check | None
    artifact: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A section of the model card that a person wrote."""

    section: str
    text: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasMark:
    """A span of time in which an alias named a version: from `since` up to `until`, None while it does."""

    alias: str
    version: int
    ref: Ref
    since: datetime
    until: datetime | None
    by: str
    reason: str
    how: Literal["promoted", "rolled_back"]
    approved_by: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelState:
    """How a model stands: what is in production since when, the newest version, and how many versions are `ahead` of production."""

    model: Model
    production: AliasMark | None
    newest: ModelVersion | None
    ahead: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionLine:
    """A version as it stood at an instant: its state, the aliases that named it, its metrics, its last check until then."""

    version: int
    ref: Ref
    state: State
    author: str
    registered_at: datetime
    note: str
    flavor: str
    run: Ref | None
    evaluation: str | None
    aliases: list[str]
    metrics: dict[str, Estimate]
    check: Check | None
    decisions: list[Decision]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelStory:
    """A model as it stood at the instant `at`: its rules and aliases then, what each alias named when, and its versions.

    `versions` are the newest ones, newest first, before them `earlier` others; `moves` are of all aliases, oldest first.
    """

    model: Model
    at: datetime
    moves: list[AliasMark]
    versions: list[VersionLine]
    earlier: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricRow:
    """One metric of a version beside those of the champion and of the baseline; None where it was not measured."""

    metric: str
    higher_is_better: bool
    ours: Estimate | None
    champion: Estimate | None
    baseline: Estimate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """Whether the caller may do `verb` now, and if not, why and what would help. `needs` is the permission."""

    verb: Verb
    needs: str
    allowed: bool
    reason: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """Everything that a decision about a version rests on as of the instant `at`, and which decisions the caller may take.

    `problem` says why the last check cannot be approved on, empty if it can. With `same_rows`, the champion was evaluated
    on the same rows, so that its metrics compare; otherwise they are those that it was registered with.
    """

    version: ModelVersion
    model: Model
    at: datetime
    check: Check | None
    problem: str
    champion: Ref | None
    same_rows: bool
    metrics: list[MetricRow]
    evaluation: Evaluation | None
    champion_evaluation: Evaluation | None
    approvals: list[Decision]
    data: list[DataAge]
    may: list[Permit]


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """What is written on a model, or on a version of it: a description, tags, and for a version where it came from.

    `version` is None for the model itself. `origin` holds what another registry says of the version, such as its `source`, and `stage`
    the stage that it has there.
    """

    model: str
    version: int | None
    description: str
    tags: dict[str, str]
    origin: dict[str, str]
    changed_at: datetime
    stage: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderFile:
    """A file of a version that is a folder: its path there, its BLAKE3 digest and its size in bytes."""

    path: str
    digest: str
    size: int
