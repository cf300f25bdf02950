"""The types of the registry's web pages."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from ostinato.evaluation.types import Estimate, Evaluation
from ostinato.kernel.frozen import frozen
from ostinato.kernel.ref import Ref
from ostinato.registry.proof import Proof
from ostinato.registry.trust import Trust
from ostinato.registry.types import Check, DataAge, Decision, Deprecation, Emergency, Model, ModelVersion, Scalar, State, Verb

Care = Literal["none", "parser", "code"]
Facet = Literal["parameters", "datasets", "features", "code", "environment", "signature", "artifact"]


@frozen
class AliasMark:
    """A span of time in which an alias named a version: from `since` up to `until`, None while it does."""

    alias: str
    version: int
    ref: Ref
    since: datetime
    until: datetime | None
    by: str
    reason: str
    how: Literal["promoted", "rolled_back", "broke_glass"]
    approved_by: list[str]


@frozen
class ModelState:
    """The state of a model: its production version since when, the newest version, and how many versions are `ahead`."""

    model: Model
    production: AliasMark | None
    newest: ModelVersion | None
    ahead: int


@frozen
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
    deprecated: Deprecation | None = None


@frozen
class ModelStory:
    """A model as it stood at the instant `at`: its rules and aliases then, what each alias named when, and its versions.

    `versions` are the newest ones, newest first, before them `earlier` others; `moves` are of all aliases, oldest first.
    """

    model: Model
    at: datetime
    moves: list[AliasMark]
    versions: list[VersionLine]
    earlier: int


@frozen
class MetricRow:
    """One metric of a version beside those of the champion and of the baseline; None where it was not measured."""

    metric: str
    higher_is_better: bool
    ours: Estimate | None
    champion: Estimate | None
    baseline: Estimate | None


@frozen
class Permit:
    """Whether the caller may call `verb` now, and if not, why and what would help. `needs` is the permission."""

    verb: Verb
    needs: str
    allowed: bool
    reason: str
    hint: str


@frozen
class Review:
    """Everything that a decision about a version rests on as of the instant `at`, and which decisions the caller may take.

    `problem` says why the last check cannot be approved on, empty if it can. With `same_rows`, the champion was evaluated
    on the same rows, so that its metrics compare; otherwise they are those that it was registered with. `emergency` is the last one.
    `lapse` says why the last approval holds no more: who changed what, when and why, or that it has expired; empty if it does.
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
    emergency: Emergency | None = None
    lapse: str = ""


@frozen
class HeldType:
    """A type that an artifact holds, and who says that it may be loaded: the format's own list, or that of Ostinato."""

    name: str
    listed: Literal["format", "ostinato"]


@frozen
class Handled:
    """How a version must be loaded: `none` in any process, `parser` in a separate process, `code` in the sandbox alone.

    `types` are those in an artifact whose format names them; `trust` is there where the flavor may run code. `problem` says why it
    cannot be loaded here, empty if it can. `proof` is its input example, with scores where it was asked when it was registered.
    """

    ref: Ref
    flavor: str
    care: Care
    types: list[HeldType]
    trust: Trust | None
    problem: str
    hint: str
    proof: Proof | None


@frozen
class Proven:
    """The input example of a version, its scores when it was registered (none where nobody had asked it) and now, and by how much they
    are `away` at most. They are `equal` bit for bit, or `close`, within a millionth, as another processor adds up in another order.
    """

    example: dict[str, list[Scalar]]
    registered: list[float]
    now: list[float]
    equal: bool
    close: bool
    away: float


@frozen
class Compared:
    """A version that is compared; `rows` is the digest of the rows on which it was evaluated."""

    line: VersionLine
    rows: str | None


@frozen
class ComparedMetric:
    """A metric of every version that is compared, in their order; None where it was not measured."""

    metric: str
    higher_is_better: bool
    values: list[Estimate | None]


@frozen
class Aspect:
    """One thing that the versions have, or lack, in their order, and whether it is the same of all."""

    part: Facet
    name: str
    values: list[str | None]
    same: bool


@frozen
class VersionComparison:
    """Versions side by side. With `same_rows`, all were evaluated on the same rows, so that their metrics compare."""

    versions: list[Compared]
    same_rows: bool
    metrics: list[ComparedMetric]
    aspects: list[Aspect]
