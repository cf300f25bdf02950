"""The types of features: views, and the replies of the verbs."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import Literal

from ostinato.kernel.frozen import frozen

Scalar = str | int | float | bool | None
"""The value of an entity's key on the wire; instants are ISO 8601 text."""


@frozen
class Feature:
    """A number computed from the events of an entity with `at - window < timestamp <= at`; without a window, from all.

    `last` is the value of the event with the greatest timestamp, of several the one with the greatest row id. `mean`,
    `sum` and `last` skip nulls and are null where nothing is left; `count` counts events, or the values of `column`.
    """

    name: str
    kind: Literal["last", "mean", "sum", "count"]
    column: str | None = None
    window_hours: float | None = None


@frozen
class FeatureView:
    """Features of an entity, from the rows of a dataset as events.

    `timestamp` names the column that says when an event became known; `entity` the columns that say whose it is;
    `row_id` those that tell events apart, by default the key of the dataset's contract. `freshness_hours` is how old
    the newest event may be before the view counts as stale.
    """

    name: str
    dataset: str
    entity: list[str]
    timestamp: str
    features: list[Feature]
    row_id: list[str] = field(default_factory=list)
    freshness_hours: float | None = None
    description: str = ""

    @property
    def columns(self) -> list[str]:
        """The columns that the features read, sorted."""
        return sorted({f.column for f in self.features if f.column is not None})

    @property
    def names(self) -> list[str]:
        """The names of the features in a vector: `view__feature`, in order."""
        return [f"{self.name}__{f.name}" for f in self.features]


@frozen
class Pushed:
    """The outcome of a push: how many rows are new, and how many were left out because they lack an entity or instant."""

    view: str
    rows: int
    new: int
    skipped: int


@frozen
class Materialized:
    """What a bulk load of a dataset's version into the online store did; parts that were loaded before are not read again."""

    view: str
    dataset: str
    version: int
    parts: int
    new: int


@frozen
class Freshness:
    """The newest event that the online store holds for a view, and whether that is recent enough (None: no limit is declared)."""

    view: str
    newest: datetime | None
    age_hours: float | None
    limit_hours: float | None
    fresh: bool | None


@frozen
class ViewState:
    """The state of a view: its freshness, the types of its key columns, and the newest version of its dataset that was `loaded`.

    `latest` is the newest version that the dataset has.
    """

    view: FeatureView
    freshness: Freshness
    keys: dict[str, str]
    loaded: int | None
    loaded_at: datetime | None
    latest: int | None
    defined_at: datetime
    defined_by: str
