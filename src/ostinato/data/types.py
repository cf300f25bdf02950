"""The types of data: contracts, deliveries, versions, profiles, and the rule that a check compiles to."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import Any, Literal

from ostinato.kernel.frozen import frozen

Scalar = str | int | float | bool | None
"""A value of a cell on the wire; instants are ISO 8601 text."""

State = Literal["accepted", "quarantined"]


@frozen
class CheckSpec:
    """A member of the family of checks, bound to columns; `tolerance` is the share of rows, 0 to 1, that may violate it."""

    check: str
    column: str | None = None
    columns: list[str] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)
    tolerance: float = 0.0

    @property
    def over(self) -> list[str]:
        """The columns that the check looks at, in order."""
        return ([self.column] if self.column is not None else []) + list(self.columns)


@frozen
class Contract:
    """What every delivery must meet.

    `key` names the columns that identify a row: they must be present, filled, and unique over all accepted rows. `time`
    names the column of instants by which rows are cut out.
    """

    checks: list[CheckSpec] = field(default_factory=list)
    key: list[str] = field(default_factory=list)
    time: str | None = None


@frozen
class SourceSpec:
    """A member of the family of sources, and where in it the data lies."""

    kind: str
    parameters: dict[str, Any] = field(default_factory=dict)


@frozen
class Dataset:
    """A named table that grows by deliveries; `latest` is its newest version, None before the first. `tags` are found by search."""

    name: str
    contract: Contract
    description: str
    owner: str
    mode: Literal["append", "replace"]
    licence: str
    purpose: str
    created_at: datetime
    created_by: str
    tags: list[str] = field(default_factory=list)
    latest: int | None = None


@frozen
class Column:
    """A column: its name, and its type out of int64, double, string, bool, timestamp (UTC) and date."""

    name: str
    type: str


@frozen
class CheckResult:
    """What one check measured: how many rows of the delivery violate it, which share that is, and up to ten of them.

    A check of the delivery as a whole counts one violation, and a fraction of 1, where it fails.
    """

    check: str
    columns: list[str]
    passed: bool
    violations: int
    fraction: float
    tolerance: float = 0.0
    message: str = ""
    sample: list[dict[str, Scalar]] = field(default_factory=list)


@frozen
class Report:
    """The results of all checks of a contract on one delivery; it passed if all of them did."""

    passed: bool
    rows: int
    results: list[CheckResult] = field(default_factory=list)

    @property
    def failures(self) -> list[CheckResult]:
        """The results that did not pass."""
        return [result for result in self.results if not result.passed]


@frozen
class Delivery:
    """One attempt to add rows under a key: what came, from where, and what the contract said.

    `source_digest` is the SHA-256 of the source's bytes; `digest` addresses the parsed rows, which are kept whether
    they were accepted or not; `version` is the version that they made.
    """

    dataset: str
    key: str
    attempt: int
    state: State
    version: int | None
    rows: int
    size: int
    digest: str
    source: str
    source_digest: str
    report: Report
    note: str
    delivered_at: datetime
    delivered_by: str


@frozen
class Part:
    """The rows of one delivery as they stand in a version: a Parquet blob."""

    digest: str
    rows: int
    size: int
    delivery: str


@frozen
class DatasetVersion:
    """An immutable state of a dataset: the parts it consists of, and the delivery that made it.

    `digest` is computed from the digests of the parts; `size` is in bytes.
    """

    dataset: str
    version: int
    parts: list[Part]
    rows: int
    size: int
    digest: str
    schema: list[Column]
    source: str
    source_digest: str
    created_at: datetime
    delivered_by: str


@frozen
class Count:
    """How often a value occurs."""

    value: Scalar
    rows: int


@frozen
class Bin:
    """How many values lie in [low, high); the last bin of a histogram holds its upper bound as well."""

    low: float
    high: float
    rows: int


@frozen
class ColumnProfile:
    """What a column holds. `quantiles` are at 5, 25, 50, 75 and 95 %; `top` are the most frequent values of what is no number."""

    name: str
    type: str
    rows: int
    nulls: int
    distinct: int
    minimum: Scalar = None
    maximum: Scalar = None
    mean: float | None = None
    quantiles: list[float] = field(default_factory=list)
    histogram: list[Bin] = field(default_factory=list)
    top: list[Count] = field(default_factory=list)


@frozen
class Profile:
    """The profiles of all columns of a version, exact, in the order of its schema."""

    dataset: str
    version: int
    rows: int
    columns: list[ColumnProfile]


@frozen
class CheckMark:
    """How one check went, without the offending rows."""

    check: str
    columns: list[str]
    passed: bool
    violations: int
    fraction: float
    tolerance: float
    message: str


@frozen
class DeliveryMark:
    """A delivery in short, with how each check went."""

    key: str
    attempt: int
    state: State
    version: int | None
    rows: int
    note: str
    delivered_at: datetime
    delivered_by: str
    checks: list[CheckMark]


@frozen
class Outcome:
    """The outcome of a delivery, in short."""

    key: str
    attempt: int
    state: State
    rows: int
    delivered_at: datetime


@frozen
class VersionMark:
    """A version in short; `size` is in bytes."""

    version: int
    rows: int
    size: int
    created_at: datetime


@frozen
class DatasetState:
    """The state of a dataset: its newest version and delivery, and whether it is as fresh as its contract demands.

    `waiting` counts the keys that were refused and not accepted since. `age_hours` is that of the newest version, and
    `promise_hours` the least `max_age_hours` of the checks `fresh`; `fresh` is None where nothing was promised. `recent` are the
    newest twelve deliveries, oldest first.
    """

    dataset: Dataset
    version: VersionMark | None
    last: DeliveryMark | None
    recent: list[Outcome]
    waiting: int
    age_hours: float | None
    promise_hours: float | None
    fresh: bool | None


@frozen
class DatasetStory:
    """The deliveries to a dataset up to the instant `at`.

    `deliveries` are the newest ones, oldest first, after `earlier` others. `failing` is the newest delivery that was refused,
    with samples of its offending rows, and `mended` the acceptance of its key since.
    """

    state: DatasetState
    at: datetime
    deliveries: list[DeliveryMark]
    earlier: int
    failing: Delivery | None
    mended: DeliveryMark | None


@frozen
class SchemaChange:
    """A column that came, went (`after` is None) or changed its type."""

    column: str
    before: str | None
    after: str | None


@frozen
class PairBin:
    """The share of the values of either version that lies in [low, high), or is `label`."""

    label: str
    low: float | None
    high: float | None
    before: float
    after: float


@frozen
class ColumnShift:
    """The shift of a column's distribution, 0 to 1, and the shares of nulls.

    `measure` is the largest gap between the distribution functions (`ks`) for what is ordered, and half the sum of the
    differences of the shares (`total_variation`) for text and truth values.
    """

    name: str
    type: str
    measure: Literal["ks", "total_variation"]
    shift: float
    nulls_before: float
    nulls_after: float
    bins: list[PairBin]


@frozen
class Difference:
    """The difference between two versions of a dataset.

    Rows are told apart by `key` where the contract has one, and `changed` counts those of one key that differ; without
    a key rows are compared whole, and `changed` is None. The samples are the first rows by key. `columns`, without the key, come by
    largest shift: of all rows of `a` against all of `b`, or, where rows only came (`compared` is `added`), against those that came.
    """

    dataset: str
    a: int
    b: int
    rows_a: int
    rows_b: int
    added: int
    removed: int
    changed: int | None
    key: list[str]
    schema: list[SchemaChange]
    compared: Literal["whole", "added"]
    columns: list[ColumnShift]
    added_sample: list[dict[str, Scalar]]
    removed_sample: list[dict[str, Scalar]]


@frozen
class Scope:
    """What a check may look at besides the delivery `d` itself.

    `accepted` says whether there is a view `accepted` of the rows of earlier deliveries; `views` maps the names of
    other datasets to views of their latest rows; `now` is the instant of the delivery.
    """

    accepted: bool
    views: dict[str, str]
    now: datetime


@frozen
class Rule:
    """What a check compiles to: an SQL predicate that is true for a row of `d` that violates it.

    With `whole`, the predicate aggregates over all rows, and the delivery as a whole meets it or does not.
    """

    sql: str
    whole: bool = False
