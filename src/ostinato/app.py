"""Ostinato, put together: opens the store, builds the services in the order of the lifecycle, wires the events."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from types import ModuleType, TracebackType
from typing import Any, Unpack

from ostinato.access import api as access_api
from ostinato.access.service import Access
from ostinato.data import api as data_api
from ostinato.data.service import Datasets
from ostinato.evaluation import api as evaluation_api
from ostinato.evaluation.service import Evaluations
from ostinato.explain import api as explain_api
from ostinato.explain.service import Explanations
from ostinato.features import api as features_api
from ostinato.features.service import Features
from ostinato.insights import api as insights_api
from ostinato.insights.service import Insights
from ostinato.kernel.caller import Caller, caller, calling, set_process_caller
from ostinato.kernel.clock import Clock, SystemClock
from ostinato.kernel.errors import NotFound, Unavailable
from ostinato.kernel.settings import Settings
from ostinato.ledger import api as ledger_api
from ostinato.ledger.service import Ledger
from ostinato.monitoring import api as monitoring_api
from ostinato.monitoring.alerts import ALERTING
from ostinato.monitoring.service import Monitors
from ostinato.pipelines import api as pipelines_api
from ostinato.pipelines.service import Pipelines
from ostinato.registry import api as registry_api
from ostinato.registry.service import Models
from ostinato.serving import api as serving_api
from ostinato.serving.service import Endpoints
from ostinato.storage.blobs.chosen import blobs_of
from ostinato.storage.blobs.owned import Owned
from ostinato.storage.disk import blamed
from ostinato.storage.rows.chosen import rows_of
from ostinato.storage.rows.rows import metadata
from ostinato.storage.rows.term import Term, belong
from ostinato.storage.series.series import Series
from ostinato.storage.tables.tables import Tables
from ostinato.traces import api as traces_api
from ostinato.traces.service import Traces
from ostinato.tracking import api as tracking_api
from ostinato.tracking.logger import Logger, Options
from ostinato.tracking.service import Runs

SLICES: tuple[ModuleType, ...] = (
    access_api, ledger_api, data_api, features_api, tracking_api, traces_api, pipelines_api,
    evaluation_api, registry_api, explain_api, serving_api, monitoring_api, insights_api,
)  # fmt: skip
"""The API of every slice, in the order of the lifecycle."""

ENGINE = Caller(actor="service:ostinato")
"""On whose behalf the platform itself acts."""


class Ostinato:
    """A store and the services over it; one attribute per noun of the lifecycle."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        home = settings.data
        self.rows = rows_of(settings)
        self.blobs = Owned(blobs_of(settings), self.rows)
        self.tables = Tables(self.blobs, home / "cache")
        self.series = Series(self.rows)
        store: dict[str, Any] = {"rows": self.rows, "clock": clock}
        self.ledger = Ledger(**store, key_path=home / "ledger-key", settings=settings)
        told = store | {"ledger": self.ledger}
        kept = told | {"blobs": self.blobs}
        self.access = Access(**store, record=self.ledger.append, networks=settings.oidc_networks)
        self.datasets = Datasets(**kept, tables=self.tables, inbox=settings.inbox)
        self.features = Features(**told, tables=self.tables, datasets=self.datasets, online_path=home / "online.db")
        self.runs = Runs(**kept, series=self.series)
        self.traces = Traces(**kept, runs=self.runs)
        self.pipelines = Pipelines(**kept, tables=self.tables, runs=self.runs, settings=settings)
        self.evaluations = Evaluations(**told)
        drawn = told | {"datasets": self.datasets}
        self.models = Models(**drawn, blobs=self.blobs, runs=self.runs, evaluations=self.evaluations, access=self.access, settings=settings)
        self.explanations = Explanations(**told, tables=self.tables, models=self.models)
        self.endpoints = Endpoints(**drawn, tables=self.tables, models=self.models, pipelines=self.pipelines, home=home / "endpoints")
        self.monitors = Monitors(**told, tables=self.tables, endpoints=self.endpoints, pipelines=self.pipelines)
        self.insights = Insights(**told, access=self.access, endpoints=self.endpoints, price=settings.cpu_hour_price)
        self.pipelines.attach(self, SLICES)
        self.rows.create(metadata)
        belong(self.rows, "ledger-key", self.ledger.key())
        self._duties = Term(self.rows, "duties", alone=not settings.database_url)

    @classmethod
    def open(cls, path: str | os.PathLike[str] | None = None, *, clock: Clock | None = None, project: str | None = None) -> Ostinato:
        """Open the store in the folder `path`, making it if need be, as its owner and administrator."""
        settings = Settings.read(path)
        with blamed(settings.data):
            settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
            settings.inbox.mkdir(parents=True, exist_ok=True)
            opened = cls(settings, clock or SystemClock())
            opened.access.bootstrap(settings.data)
        set_process_caller(Caller(actor="person:admin", project=project or settings.project))
        return opened

    def run(
        self, experiment: str, name: str = "", *, params: Mapping[str, Any] | None = None, tags: Mapping[str, str] | None = None,
        **how: Unpack[Options],
    ) -> Logger:  # fmt: skip
        """A run to log to, as a context manager: `with app.run("flights") as run: run.log(auc=0.7, step=1)`."""
        target = {"data": str(self.settings.data), "project": caller().project}
        return Logger.start(self.runs, experiment, name, params=params, tags=tags, target=target, **how)

    def acting_as(self, actor: str) -> AbstractContextManager[Caller]:
        """In the block, calls are made by another actor of this store, such as `person:ben`."""
        known = [found.id for found in self.access.actors()]
        if actor not in known:
            raise NotFound.named("actor", actor, known)
        return calling(Caller(actor=actor, project=caller().project))

    def tick(self) -> None:
        """One round of the background duties. Of several servers on one database each serves its endpoints, and one does the rest."""
        with calling(ENGINE):
            mine = self._duties.held()
            self.endpoints.tick(deciding=mine)
            if not mine:
                return
            self.ledger.tick()
            self.runs.tick()
            self.traces.tick()
            self.pipelines.tick()
            self.models.escalate()
            self.ledger.hand("traces", self.traces.on_event, ["experiment.purged"])
            self.ledger.hand("monitoring", self.monitors.on_event, ALERTING)  # last: what cannot be handled must not hold up the rest

    def close(self) -> None:
        """Stop what this process supervises and let go of the store."""
        self.endpoints.close()
        self.features.close()
        with suppress(Unavailable):
            self._duties.close()
        self.rows.close()

    def __enter__(self) -> Ostinato:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
