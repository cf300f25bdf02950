"""Features: the verbs on features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from ostinato.data.schema import ARROW
from ostinato.data.service import Datasets
from ostinato.features import store
from ostinato.features.events import NEVER, NO, NONE, Events, Floats, Ints, statistic
from ostinato.features.history import History, entity_codes, events_of, identified_rows, instants, window_us
from ostinato.features.keys import by_entity, cast_keys, entity, key_value, micros, table_of_keys
from ostinato.features.types import FeatureView, Freshness, Materialized, Pushed, Scalar, ViewState
from ostinato.features.validation import validated
from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Conflict, Invalid, NotFound
from ostinato.kernel.family import Family
from ostinato.kernel.instant import instant_of
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.storage.tables.tables import Tables


class OnlineStore(Protocol):
    """A member of the family `ostinato.features.online`."""

    def add(self, project: str, view: str, columns: int, batch: Mapping[str, Events], part: str | None = None) -> int:
        """Add events, durably; returns how many are new."""
        ...

    def loaded(self, project: str, view: str) -> set[str]:
        """The parts of a dataset that were added whole."""
        ...

    def newest(self, project: str) -> dict[str, int]:
        """The greatest instant that was added to each view that holds anything."""
        ...

    def look_up(
        self,
        project: str,
        view: str,
        columns: int,
        asked: Sequence[tuple[str, int]],
        windows: Sequence[int | None],
        last: Sequence[int] = (),
    ) -> tuple[list[Ints], Floats, Ints]:
        """For each window the sums of lanes by question (entity and instant); the last values of the columns `last`, and their times."""
        ...

    def close(self) -> None:
        """Release all resources."""
        ...


ONLINE: Family[OnlineStore] = Family("ostinato.features.online")


class Features:
    """The verbs of feature views: features have the same value as of an instant in training and online."""

    def __init__(self, *, rows: Rows, tables: Tables, ledger: Ledger, clock: Clock, datasets: Datasets, online_path: Path) -> None:
        self._rows = rows
        self._tables = tables
        self._ledger = ledger
        self._clock = clock
        self._datasets = datasets
        self._online = ONLINE.make("sqlite", {"path": str(online_path)})
        self._views: dict[tuple[str, str], tuple[FeatureView, dict[str, str]]] = {}

    def close(self) -> None:
        """Close the online store."""
        self._online.close()

    def define(self, view: FeatureView) -> FeatureView:
        """Define a feature view over a dataset that has a version. A view never changes.

        Raises:
            Invalid: a name, a column, a type or a window does not do.
            NotFound: the dataset has no version.
            Conflict: there is another view of this name.
        """
        who, view = caller(), store.as_stored(view)
        schema = {c.name: c.type for c in self._datasets.version(view.dataset).schema}
        made = validated(view, schema, self._datasets.get(view.dataset))
        kinds = {c: schema[c] for c in {*made.entity, made.timestamp, *made.row_id, *made.columns}}

        def change(tx: Tx) -> FeatureView:
            found = store.view_named(tx, who.project, made.name)
            if found is None:
                store.add_view(tx, who.project, made, kinds, self._clock.now(), who.actor)
                ref = Ref("feature", made.name)
                self._ledger.append(tx, "feature.defined", ref, inputs=(Ref("dataset", made.dataset),), outputs=(ref,))
            elif found[0] != made:
                raise Conflict(f"feature view {made.name} exists and was defined otherwise", hint="define the new one under another name")
            return made

        return self._rows.write(change)

    def get(self, view: str) -> FeatureView:
        """The view of this name."""
        return self._found(view)[0]

    def all(self) -> list[FeatureView]:
        """All views, by name."""
        return self._rows.read(lambda tx: store.all_views(tx, caller().project))

    def vector_names(self, views: list[str]) -> list[str]:
        """The names of the features of several views, `view__feature`, in the order in which a vector holds them."""
        return [name for view in views for name in self.get(view).names]

    def training_set(
        self, spine: pa.Table, views: Sequence[str], at: str = "at", as_of_version: Mapping[str, int] | None = None
    ) -> pa.Table:
        """The spine with a column for each feature, as of the instant in the column `at`; every row of the spine is kept.

        The spine holds the key columns of each view. Datasets are read at their latest version, or at `as_of_version`;
        which those were is in the schema's metadata under `ostinato.datasets`.

        Raises:
            Invalid: the spine lacks a column or an instant, or a key has a type that does not fit.
        """
        _require(spine.column_names, [at])
        if spine[at].null_count:
            raise Invalid(f"the column {at} of the spine holds nulls", hint="give every row its instant", field=at)
        moments = instants(cast_keys(spine, {at: "timestamp"})[at])
        used: set[str] = set()
        for name in views:
            view, kinds = self._found(name)
            pinned = (as_of_version or {}).get(view.dataset)
            version = self._datasets.version(view.dataset if pinned is None else f"{view.dataset}@{pinned}")
            used.add(f"dataset:{version.dataset}@{version.version}")
            _require(spine.column_names, view.entity)
            events = identified_rows(view, self._tables.read_all([part.digest for part in version.parts], sorted(kinds)))
            keys = cast_keys(spine, {c: kinds[c] for c in view.entity})
            codes = entity_codes([pa.chunked_array([*events[c].chunks, *keys[c].chunks], ARROW[kinds[c]]) for c in view.entity])
            history = History(view, codes[: len(events)], events_of(view, events))
            for column, (values, exist) in zip(view.names, history.as_of(codes[len(events) :], moments), strict=True):
                spine = spine.append_column(column, pa.array(values, mask=~exist))
        return spine.replace_schema_metadata({"ostinato.datasets": ",".join(sorted(used))})

    def online(self, views: list[str], keys: dict[str, Scalar], at: datetime | None = None) -> dict[str, float | None]:
        """The features of one entity as of an instant (default: now), as values by `view__feature`."""
        many = self.online_many(views, {name: [value] for name, value in keys.items()}, at)
        return {name: values[0] for name, values in many.items()}

    def online_many(
        self, views: list[str], keys: dict[str, list[Scalar]], at: datetime | list[datetime] | None = None
    ) -> dict[str, list[float | None]]:
        """The features of many entities, each as of its own instant or all as of one (default: now), in columns.

        Raises:
            Invalid: a key is missing, has another type than its column, or the columns differ in length.
        """
        rows = {len(values) for values in keys.values()} | ({len(at)} if isinstance(at, list) else set())
        if len(rows) != 1:
            raise Invalid("the columns of keys and instants differ in length", hint="give one value for each row", field="keys")
        moments = [micros(m) for m in at] if isinstance(at, list) else [micros(at or self._clock.now())] * rows.pop()
        answer: dict[str, list[float | None]] = {}
        for name in views:
            view, kinds = self._found(name)
            _require(list(keys), view.entity)
            columns = [[key_value(value, kinds[c], c) for value in keys[c]] for c in view.entity]
            asked = [(entity(values), moment) for *values, moment in zip(*columns, moments, strict=True)]
            answer |= self._ask(view, asked)
        return answer

    def push(self, view: str, rows: dict[str, list[Any]]) -> Pushed:
        """Add events to the online store, as columns of equal length; durable when this returns.

        An event that is there already (same entity, instant and row id) is replaced, so a repeat changes nothing. Events may
        come late and in any order. Instants are ISO 8601 text with a zone, or datetimes.

        Raises:
            Invalid: a column is missing or has another type than in the dataset.
        """
        found, kinds = self._found(view)
        _require(list(rows), sorted(kinds))
        table = table_of_keys(rows, kinds)
        kept = identified_rows(found, table)
        new = self._online.add(caller().project, view, len(found.columns), by_entity(found, kept))
        return Pushed(view=view, rows=table.num_rows, new=new, skipped=table.num_rows - kept.num_rows)

    def materialize(self, view: str, dataset: str = "") -> Materialized:
        """Load a version of the view's dataset (default: the latest) into the online store.

        Raises:
            Invalid: `dataset` is another dataset than the view's.
        """
        found, kinds = self._found(view)
        version, project = self._datasets.version(dataset or found.dataset), caller().project
        if version.dataset != found.dataset:
            raise Invalid(f"view {view} is over {found.dataset}, not over {version.dataset}", field="dataset")
        loaded, new, parts = self._online.loaded(project, view), 0, 0
        for part in version.parts:
            if part.digest not in loaded:
                rows = identified_rows(found, self._tables.read(part.digest, sorted(kinds)))
                new += self._online.add(project, view, len(found.columns), by_entity(found, rows), part.digest)
                parts += 1

        def change(tx: Tx) -> None:
            if store.add_load(tx, project, view, version.version, self._clock.now()):
                source = Ref("dataset", version.dataset, str(version.version))
                self._ledger.append(tx, "feature.materialized", Ref("feature", view), inputs=(source,), data={"parts": parts, "new": new})

        self._rows.write(change)
        return Materialized(view=view, dataset=version.dataset, version=version.version, parts=parts, new=new)

    def freshness(self, view: str) -> Freshness:
        """The age of the newest event of a view in the online store."""
        found = self.get(view)
        return freshness(found, self._online.newest(caller().project).get(view), self._clock.now())

    def states(self) -> list[ViewState]:
        """Every view with its freshness and the dataset version that was loaded."""
        return self._states(None)

    def state(self, view: str) -> ViewState:
        """One view with its freshness and the dataset version that was loaded.

        Raises:
            NotFound: there is none of this name.
        """
        return self._states(self.get(view).name)[0]

    def _states(self, name: str | None) -> list[ViewState]:
        project, now = caller().project, self._clock.now()
        newest, latest = self._online.newest(project), {d.name: d.latest for d in self._datasets.all()}
        found = self._rows.read(lambda tx: store.view_rows(tx, project, name))
        views = [store.view_of(row) for row in found]
        return [
            ViewState(
                view=view, freshness=freshness(view, newest.get(view.name), now), keys={c: row.kinds[c] for c in view.entity},
                loaded=row.loaded, loaded_at=row.loaded_at, latest=latest.get(view.dataset), defined_at=row.defined_at,
                defined_by=row.defined_by,
            )
            for view, row in zip(views, found, strict=True)
        ]  # fmt: skip

    def _found(self, name: str) -> tuple[FeatureView, dict[str, str]]:
        """A view and the types of its columns; views never change, so they are read once."""
        project = caller().project
        if (project, name) not in self._views:
            found = self._rows.read(lambda tx: store.view_named(tx, project, name))
            if found is None:
                raise NotFound.named("feature view", name, [v.name for v in self.all()])
            self._views[project, name] = found
        return self._views[project, name]

    def _ask(self, view: FeatureView, asked: list[tuple[str, int]]) -> dict[str, list[float | None]]:
        """The features of a view, each distinct question asked once."""
        distinct = {question: place for place, question in enumerate(dict.fromkeys(asked))}
        windows = list(dict.fromkeys(f.window_hours for f in view.features))
        spans = [None if hours is None else window_us(hours) for hours in windows]
        place = {column: i for i, column in enumerate(view.columns)}
        lasting = sorted({place[f.column] for f in view.features if f.kind == "last" and f.column is not None})
        sums, last, when = self._online.look_up(caller().project, view.name, len(place), list(distinct), spans, lasting)
        moments = np.array([at for _, at in distinct], np.int64)
        answer: dict[str, list[float | None]] = {}
        for name, feature in zip(view.names, view.features, strict=True):
            span = windows.index(feature.window_hours)
            column = None if feature.column is None else place[feature.column]
            since = NEVER if (width := spans[span]) is None else moments - width
            given = (NONE, NO) if column is None else (last[:, column], when[:, column] > since)
            values, exist = statistic(feature.kind, sums[span], column, *given)
            plain = [v if e else None for v, e in zip(values.tolist(), exist.tolist(), strict=True)]
            answer[name] = [plain[distinct[question]] for question in asked]
        return answer


def freshness(view: FeatureView, newest_us: int | None, now: datetime) -> Freshness:
    """The freshness of a view, by its newest event in microseconds since 1970."""
    limit = view.freshness_hours
    if newest_us is None:
        return Freshness(view=view.name, newest=None, age_hours=None, limit_hours=limit, fresh=None if limit is None else False)
    at = instant_of(newest_us)
    age = (now - at).total_seconds() / 3600
    return Freshness(view=view.name, newest=at, age_hours=age, limit_hours=limit, fresh=None if limit is None else age <= limit)


def _require(given: Sequence[str], wanted: Sequence[str]) -> None:
    if missing := [c for c in wanted if c not in given]:
        raise Invalid(f"no column {', '.join(missing)}", hint=f"needed: {', '.join(wanted)}; given: {', '.join(given)}", field=missing[0])
