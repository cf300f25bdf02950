"""Endpoints: the verbs of serving. Those of deploying, rollouts and feedback are in files of their own."""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path

from ostinato.data.service import Datasets
from ostinato.kernel.caller import Caller, caller, calling
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Conflict, Invalid, OstinatoError
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.pipelines.service import Pipelines
from ostinato.pipelines.types import Execution
from ostinato.registry.service import Models
from ostinato.serving import batch as batches
from ostinato.serving import store
from ostinato.serving.deploy import Deployments, version_before
from ostinato.serving.feedback import Feedback
from ostinato.serving.lookup import find_endpoint
from ostinato.serving.reconcile import PlaneReconciler
from ostinato.serving.rollout import Rollouts
from ostinato.serving.traffic import Traffics
from ostinato.serving.tryout import Tryouts
from ostinato.serving.types import Endpoint, Share
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.storage.tables.tables import Tables

_log = logging.getLogger("ostinato.serving")


class Endpoints(Deployments, Rollouts, Feedback, Traffics, Tryouts):
    """The endpoints of a project. Where a verb takes a model, it is `late@7` or `late@champion`."""

    def __init__(
        self,
        *,
        rows: Rows,
        tables: Tables,
        ledger: Ledger,
        clock: Clock,
        models: Models,
        datasets: Datasets,
        pipelines: Pipelines,
        home: Path,
    ) -> None:
        self._rows = rows
        self._tables = tables
        self._ledger = ledger
        self._clock = clock
        self._models = models
        self._datasets = datasets
        self._pipelines = pipelines
        self._planes = PlaneReconciler(rows=rows, models=models, home=home)
        self._looked = {}
        self._looked_s = {}
        self._lost = set()

    def rollback(self, endpoint: str, reason: str) -> Endpoint:
        """Roll back to the previous version, also as the model's champion. A running rollout ends.

        The same reason, given again by the same actor right after, is a repeat and changes nothing.

        Raises:
            Conflict: no other version has answered before.
        """
        if not reason.strip():
            raise Invalid("a rollback needs a reason", field="reason")
        who = caller()
        row = self._rows.read(lambda tx: find_endpoint(tx, endpoint))
        if row.rollout is not None:
            self.abort(endpoint, reason)
            return self.get(endpoint)
        bad, releases = Ref.parse(row.version), self._rows.read(lambda tx: store.releases(tx, who.project, endpoint))
        if releases[-1].back and (releases[-1].by, releases[-1].reason) == (who.actor, reason):
            return self.get(endpoint)
        before = version_before(releases)
        if before is None:
            raise Conflict(f"{bad} is the only version that has served here", hint="endpoints.deploy another version")
        self._models.get(str(before))  # one that was removed since does not come back
        if self._is_champion(bad):
            self._models.rollback(str(bad), reason)

        def change(tx: Tx) -> None:
            if find_endpoint(tx, endpoint).version != str(bad):
                return
            shares = [Share(version=before, role="stable", weight=1.0)]
            store.release(tx, who.project, endpoint, shares, None, self._clock.now(), who.actor, reason, back=True)
            data = {"from": str(bad), "to": str(before), "reason": reason}
            self._ledger.append(tx, "endpoint.rolled_back", Ref("endpoint", endpoint), inputs=(before,), data=data)

        self._rows.write(change)
        self._planes.shown(endpoint)
        return self.get(endpoint)

    def batch(
        self,
        endpoint: str,
        dataset: str,
        key: str,
        views: list[str] | None = None,
        at: str = "",
        request_id: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Execution:
        """Score rows of a dataset version with the version that the endpoint serves now, as an execution of the pipeline `batch`.

        `at` names the column of the instant of each row: rows with `since <= at < until` are scored, with the features of `views`
        (default: those the version was registered with) as they were known then. `request_id` names the column of request ids
        (default: `key/row`); ids that were answered before are not logged again. The same key is the same execution. Its output
        counts the rows and names the stored table of scores.

        Raises:
            Invalid: the key is blank, or features or a window are asked for without `at`.
        """
        self.get(endpoint)
        if not key.strip():
            raise Invalid("a batch needs a key, by which a repeat is known", field="key")
        if not at and (views or since or until):
            raise Invalid("features and windows need the instant of each row", hint="at='the column of the instant'", field="at")
        pinned = self._datasets.version(dataset)
        parameters = {
            "endpoint": endpoint,
            "dataset": f"{pinned.dataset}@{pinned.version}",
            "key": key,
            "views": views,
            "at": at,
            "request_id": request_id,
            "since": since.isoformat() if since else "",
            "until": until.isoformat() if until else "",
        }
        return self._pipelines.start_own(batches.TARGET, parameters, key=f"batch/{endpoint}/{key}")

    def log_folder(self, endpoint: str) -> Path:
        """The folder of the endpoint's log of predictions, on this host. In process only."""
        return self._planes.log(endpoint)

    def tick(self, *, deciding: bool = True) -> None:
        """One round: see that every endpoint has its plane with the present plan, and look at the rollouts that are running.

        Rollouts are looked at by who is `deciding`: one of all servers of a store. Who ticks is the supervisor: from now on planes
        that others have started are adopted, and ended by `close`.
        """
        self._planes.adopt()
        for row in self._rows.read(store.endpoints):
            with calling(Caller(actor=caller().actor, project=row.project)):
                try:
                    self._planes.show(row.name)
                    if row.rollout is not None and deciding:
                        self._look(row)
                except OstinatoError as error:  # one endpoint in trouble must not keep the others from their turn
                    _log.warning("endpoint %s of %s: %s", row.name, row.project, error)

    def leave(self) -> None:
        """Look after no plane any more, and let them live: another process adopts them."""
        self._planes.leave()

    def close(self) -> None:
        """End the planes that this process started or adopted."""
        self._planes.close()

    def _is_champion(self, version: Ref) -> bool:
        named = self._models.at(version.name)
        return named is not None and named.ref == version
