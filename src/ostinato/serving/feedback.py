"""The verbs of Endpoints on predictions and labels."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote

import pyarrow as pa

from ostinato.data.service import Datasets
from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Conflict, Invalid, NotFound
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.ledger.types import Edge, Graph
from ostinato.registry.service import Models
from ostinato.serving import prediction_table, store
from ostinato.serving.lookup import find_endpoint
from ostinato.serving.reconcile import PlaneReconciler
from ostinato.serving.types import Labelled, Prediction
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.storage.tables.tables import Tables

_LIMIT_MAX = 10_000


class Feedback:
    """A mixin of Endpoints, which sets the attributes that are annotated here."""

    _rows: Rows
    _tables: Tables
    _ledger: Ledger
    _clock: Clock
    _datasets: Datasets
    _models: Models
    _planes: PlaneReconciler

    def predictions(
        self,
        endpoint: str,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 100,
        newest_first: bool = False,
        rollout: str | None = None,
    ) -> list[Prediction]:
        """The predictions with `since <= at < until`, by default oldest first, at most `limit` (1 to 10,000), with their labels.

        With `rollout`, only those of its requests, which both versions have scored or tried to.
        """
        if not 1 <= limit <= _LIMIT_MAX:
            raise Invalid(f"1 to {_LIMIT_MAX} predictions can be listed at once, not {limit}", field="limit")
        model, log = self._model(endpoint), self._planes.log(endpoint)
        found = prediction_table.page(log, since, until, limit, newest_first=newest_first, rollout=rollout)
        return prediction_table.predictions(model, self._labelled(endpoint, found))

    def prediction(self, endpoint: str, request_id: str) -> Prediction:
        """One prediction by its request id, or `id/row` where a request had several rows.

        Raises:
            NotFound: this endpoint answered no such request.
        """
        model, found = self._model(endpoint), prediction_table.find_prediction(self._planes.log(endpoint), request_id)
        if not found.num_rows:
            raise NotFound(f"{endpoint} answered no request {request_id!r}")
        return prediction_table.predictions(model, self._labelled(endpoint, found))[0]

    def frame(self, endpoint: str, since: datetime | None = None, until: datetime | None = None) -> pa.Table:
        """The answers with `since <= at < until` as a table: `request_id`, `at`, `version`, `role`, `key`, `score`, `latency_ms`,
        `rollout`, `other_version`, `other_score`, `label`, `labelled_at`, then one column per feature. In process only."""
        self._model(endpoint)
        return self._labelled(endpoint, prediction_table.frame(self._planes.log(endpoint), since, until))

    def values(self, endpoint: str, feature: str, since: datetime, until: datetime) -> pa.Table | None:
        """One column of that table alone, a feature or `score`, many times faster; None where no answer has it. In process only."""
        self._rows.read(lambda tx: find_endpoint(tx, endpoint))
        return prediction_table.column_values(self._planes.log(endpoint), feature, since, until)

    def label(self, endpoint: str, labels: dict[str, float], at: datetime | None = None) -> Labelled:
        """Record labels, 0 or 1 by request id, as known at the instant `at` (default: now). Idempotent.

        Raises:
            Invalid: a label is neither 0 nor 1.
            Conflict: a request has another label already; none of these is taken.
        """
        odd = next((r for r, y in labels.items() if y not in (0, 1)), None)
        if odd is not None:
            raise Invalid(f"the label of {odd} is {labels[odd]!r}, neither 0 nor 1", field=f"labels.{odd}")
        self._rows.read(lambda tx: find_endpoint(tx, endpoint))
        known = prediction_table.answered_ids(self._planes.log(endpoint), labels)
        unknown = sorted(set(labels) - known)
        wanted = {r: float(y) for r, y in labels.items() if r in known}
        who, when = caller(), at or self._clock.now()

        def change(tx: Tx) -> Labelled:
            before = store.labels_of(tx, who.project, endpoint, wanted)
            other = next((r for r, y in before.items() if y[0] != wanted[r]), None)
            if other is not None:
                raise Conflict(f"request {other} is labelled {before[other][0]:g} already", hint="labels are final")
            fresh = {r: y for r, y in wanted.items() if r not in before}
            if fresh:
                store.add_labels(tx, who.project, endpoint, fresh, when, who.actor)
                self._ledger.append(tx, "endpoint.labelled", Ref("endpoint", endpoint), data={"labels": len(fresh)})
            return Labelled(added=len(fresh), repeated=len(before), unknown=unknown)

        return self._rows.write(change)

    def label_from(
        self,
        endpoint: str,
        dataset: str,
        request_id: str = "request_id",
        label: str = "label",
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> int:
        """Record labels of the predictions with `since <= at < until` from two columns of a dataset version (`outcomes@3`).

        Rows of other requests, and rows without a label, are passed over. Returns how many answers the table has labelled,
        now or before.
        """
        table = self._datasets.table(dataset, columns=[request_id, label])
        pairs = zip(table[request_id].to_pylist(), table[label].to_pylist(), strict=True)
        found = {str(r): float(y) for r, y in pairs if r is not None and y is not None}
        known = prediction_table.answered_ids(self._planes.log(endpoint), found, since, until)
        done = self.label(endpoint, {r: y for r, y in found.items() if r in known})
        return done.added + done.repeated

    def lineage_of(self, endpoint: str, request_id: str) -> Graph:
        """The lineage of one prediction: its model, data and source files, as known when it was made."""
        made = self.prediction(endpoint, request_id)
        registered = self._models.get(str(made.version)).registered_at  # what is scored in batch may be of an earlier time
        above = self._ledger.lineage(made.version, at=max(made.at, registered))
        answer = Ref("prediction", f"{endpoint}/{quote(request_id, safe='._/+=-')}"[:200])
        edge = Edge(
            source=made.version, target=answer, verb="endpoint.answered", seq=-1, at=made.at, actor=f"endpoint:{endpoint}",
            subject=Ref("endpoint", endpoint),
        )  # fmt: skip
        nodes = [answer, *(above.nodes or [made.version])]
        return Graph(nodes=nodes, edges=[*above.edges, edge], truncated=above.truncated)

    def _model(self, endpoint: str) -> str:
        return Ref.parse(self._rows.read(lambda tx: find_endpoint(tx, endpoint)).version).name

    def _labelled(self, endpoint: str, found: pa.Table) -> pa.Table:
        project, ids = caller().project, found["request_id"].to_pylist()
        return prediction_table.with_labels(found, self._rows.read(lambda tx: store.labels_of(tx, project, endpoint, ids)))
