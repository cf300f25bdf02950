"""The verbs of Datasets that show the state of the data, the deliveries, and what changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from ostinato.data import catalog_store, store
from ostinato.data import difference as differing
from ostinato.data.catalog_store import DeliveryFilter
from ostinato.data.lookup import find_dataset, find_version
from ostinato.data.types import Contract, Dataset, DatasetState, DatasetStory, Delivery, DeliveryMark, Difference
from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Invalid, NotFound
from ostinato.kernel.ref import Ref
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.storage.tables.tables import Tables

_STRIP_MAX = 1_000
_SAMPLE_MAX = 100
_RECENT = 12


class Catalog:
    """A mixin of Datasets, which sets the attributes that are annotated here."""

    _rows: Rows
    _tables: Tables
    _clock: Clock

    def states(self) -> list[DatasetState]:
        """Every dataset with its newest version and delivery, its open quarantines, and its age against the limit."""
        asked = DeliveryFilter(project=caller().project, at=self._clock.now())

        def query(tx: Tx) -> list[DatasetState]:
            last = catalog_store.last_deliveries(tx, asked)
            standing = _state_function(tx, asked)
            return [standing(dataset, last.get(dataset.name)) for dataset in store.all_datasets(tx, asked.project)]

        return self._rows.read(query)

    def delivery(self, name: str, key: str, attempt: int | None = None) -> Delivery:
        """A delivery attempt under a key, by default the last, with its report and samples of the violating rows.

        Raises:
            NotFound: there is no such dataset or delivery.
        """

        def query(tx: Tx) -> Delivery:
            find_dataset(tx, caller().project, name)
            found = catalog_store.delivery(tx, caller().project, name, key, attempt)
            if found is None:
                which = "delivery" if attempt is None else f"attempt {attempt}"
                raise NotFound(f"no {which} under the key {key!r} to dataset {name}", hint=f"datasets.deliveries({name!r}) lists all")
            return found

        return self._rows.read(query)

    def story(self, name: str, at: datetime | None = None, limit: int = 100) -> DatasetStory:
        """The newest `limit` (1 to 1,000) deliveries to a dataset up to the instant `at` (default: now), with their checks.

        Raises:
            NotFound: there is no such dataset.
        """
        if not 1 <= limit <= _STRIP_MAX:
            raise Invalid(f"1 to {_STRIP_MAX} deliveries can be listed at once, not {limit}", field="limit")
        asked = DeliveryFilter(project=caller().project, at=at or self._clock.now(), dataset=name)

        def query(tx: Tx) -> DatasetStory:
            dataset = find_dataset(tx, asked.project, name)
            deliveries, earlier = catalog_store.newest_deliveries(tx, asked, limit)
            failing, mended = catalog_store.last_failure(tx, asked)
            state = _state_function(tx, asked)(dataset, deliveries[-1] if deliveries else None)
            return DatasetStory(state=state, at=asked.at, deliveries=deliveries, earlier=earlier, failing=failing, mended=mended)

        return self._rows.read(query)

    def difference(self, name: str, a: int, b: int, limit: int = 5) -> Difference:
        """What changed from version `a` to version `b`: rows by key, the schema, and how far each column has moved.

        Of rows that came and went, the first `limit` (at most 100) are shown.

        Raises:
            NotFound: there is no such dataset or version.
        """
        project = caller().project
        before, after, contract = self._rows.read(
            lambda tx: (
                find_version(tx, project, Ref("dataset", name, str(a))),
                find_version(tx, project, Ref("dataset", name, str(b))),
                find_dataset(tx, project, name).contract,
            )
        )
        return differing.difference(self._tables, before, after, contract.key, max(0, min(limit, _SAMPLE_MAX)))


def promise_hours(contract: Contract) -> float | None:
    """The maximal age of the newest rows in hours, by the strictest check `fresh`; None without one."""
    limits = [float(spec.parameters["max_age_hours"]) for spec in contract.checks if spec.check == "fresh"]
    return min(limits, default=None)


def _state_function(tx: Tx, asked: DeliveryFilter) -> Callable[[Dataset, DeliveryMark | None], DatasetState]:
    """A function from a dataset and its last delivery to its state."""
    versions, waiting, recent = (
        catalog_store.newest_versions(tx, asked),
        catalog_store.open_quarantines(tx, asked),
        catalog_store.recent(tx, asked, _RECENT),
    )

    def state(dataset: Dataset, last: DeliveryMark | None) -> DatasetState:
        version, promise = versions.get(dataset.name), promise_hours(dataset.contract)
        age = None if version is None else (asked.at - version.created_at).total_seconds() / 3600
        return DatasetState(
            dataset=dataset, version=version, last=last, recent=recent.get(dataset.name, []), waiting=waiting.get(dataset.name, 0),
            age_hours=age, promise_hours=promise, fresh=None if promise is None else age is not None and age <= promise,
        )  # fmt: skip

    return state
