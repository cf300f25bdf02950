"""The types of the registry: Signature, Model, ModelVersion, Check, Decision, Tier, Policy, Emergency, Deprecation, AliasState."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import Literal

from ostinato.evaluation.types import Evaluation
from ostinato.kernel.frozen import frozen
from ostinato.kernel.ref import Ref

Dtype = Literal["float64", "int64", "bool", "string"]
Scalar = str | float | int | bool | None
Risk = Literal["low", "medium", "high"]
State = Literal["registered", "approved", "expired", "emergency", "rejected", "retired"]
Verb = Literal["check", "approve", "reject", "promote", "break_glass", "rollback", "retire"]


@frozen
class Field:
    """A named column of a model's input or output; a string input lists its `categories`, in the order of their codes."""

    name: str
    dtype: Dtype = "float64"
    nullable: bool = True
    categories: list[str] | None = None


@frozen
class Signature:
    """The inputs of a model, in order, and its outputs."""

    inputs: list[Field]
    outputs: list[Field] = field(default_factory=lambda: [Field(name="score", nullable=False)])

    @property
    def names(self) -> list[str]:
        """The names of the inputs, in order."""
        return [f.name for f in self.inputs]


@frozen
class GateSpec:
    """A gate by name, with its parameters."""

    gate: str
    parameters: dict[str, Scalar] = field(default_factory=dict)


@frozen
class DataAge:
    """A dataset version that a model was trained on, and when its rows were delivered."""

    dataset: Ref
    delivered_at: datetime


@frozen
class GateContext:
    """The input of a gate: the version, its evaluation, champion and baseline on the same rows, the data and the time."""

    version: ModelVersion
    evaluation: Evaluation | None
    champion: Ref | None
    champion_evaluation: Evaluation | None
    data: list[DataAge]
    now: datetime
    baseline_evaluation: Evaluation | None = None


@frozen
class Verdict:
    """The result of a gate: the measured value, the limit, and one sentence."""

    passed: bool
    reason: str
    measured: float | None = None
    threshold: float | None = None


@frozen
class GateResult:
    """A gate, its parameters and its verdict."""

    gate: str
    parameters: dict[str, Scalar]
    passed: bool
    reason: str
    measured: float | None = None
    threshold: float | None = None


@frozen
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


@frozen
class Decision:
    """A decision about a version: approval, rejection, retirement, or emergency promotion.

    `by` is who decided: `person:rita`, or `policy:late@2` for a declared policy, whose declarer is then `responsible`.
    It holds for `binding` only, until it expires or is voided; `check` is the evidence on which it rests.
    """

    kind: Literal["approved", "rejected", "retired", "broke_glass"]
    by: str
    responsible: str
    reason: str
    at: datetime
    binding: str
    check: str | None = None
    expires_at: datetime | None = None
    voided_at: datetime | None = None
    voided_because: str = ""


@frozen
class Tier:
    """The requirements of a risk tier: how many people must approve a version, and who counts.

    `approvers` are roles (`reviewer`) and persons (`person:rita`); none means whoever has the permission. An approval holds for
    `valid_days`, None for good. Who breaks the glass is reviewed within `review_hours`, and what it lets through counts for `glass_hours`.
    """

    risk: Risk
    approvals: int
    approvers: list[str] = field(default_factory=list)
    valid_days: int | None = None
    review_hours: int = 24
    glass_hours: int = 168


@frozen
class Deprecation:
    """The deprecation of a model or a version: why, what to use instead, and from when on it may be gone."""

    reason: str
    successor: Ref | None
    sunset_at: datetime | None
    by: str
    at: datetime


@frozen
class Emergency:
    """An emergency promotion: an alias was moved to a version without the required approvals.

    Somebody else says by `due_at` whether it was `justified`; `verdict` is None until then. Justified or not, it counts no longer than
    until `ends_at`; `told_at` is when that time was over and nothing had ended it before.
    """

    id: str
    version: Ref
    alias: str
    reason: str
    by: str
    at: datetime
    due_at: datetime
    ends_at: datetime
    verdict: Literal["justified", "unjustified"] | None = None
    note: str = ""
    reviewed_by: str | None = None
    reviewed_at: datetime | None = None
    escalated_at: datetime | None = None
    told_at: datetime | None = None


@frozen
class Model:
    """A model: its purpose, its owners, the gates that its versions must pass and how many people must approve.

    `owner` is the first of the `owners`. Of `approvals`, its own and those of its tier, the higher counts; none is needed where the
    model stands under no rules. `tier` is what its risk asks.
    """

    name: str
    description: str
    owner: str
    risk: Risk
    gates: list[GateSpec]
    approvals: int
    created_at: datetime
    created_by: str
    aliases: dict[str, int] = field(default_factory=dict)
    latest: int | None = None
    owners: list[str] = field(default_factory=list)
    tier: Tier | None = None
    deprecated: Deprecation | None = None


@frozen
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
    deprecated: Deprecation | None = None


@frozen
class Policy:
    """An approval policy: versions of `model` by one of `authors` that pass all gates are approved automatically.

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


@frozen
class AliasState:
    """The version that an alias named from `since` on, who moved it there and why, who had approved it, on which evidence.

    One that is `withdrawn` names nothing from then on; `version` is what it named until then.
    """

    model: str
    alias: str
    version: int
    ref: Ref
    since: datetime
    promoted_by: str
    reason: str
    how: Literal["promoted", "rolled_back", "withdrawn", "broke_glass"]
    approved_by: list[str]
    approvals: list[Decision]
    evidence: Check | None
    artifact: str


@frozen
class Note:
    """A written section of the model card; `number` counts the texts that the section has had, from 1.

    `by` begins with `imported:` where only the archive of another store says who that was.
    """

    section: str
    text: str
    by: str
    at: datetime
    number: int = 0


@frozen
class Labels:
    """The labels of a model or a version: description, tags, and for a version its origin.

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


@frozen
class FolderFile:
    """A file of a version that is a folder: its path there, its BLAKE3 digest and its size in bytes."""

    path: str
    digest: str
    size: int
