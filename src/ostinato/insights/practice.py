"""Delivery metrics from the events of the ledger (after Forsgren, Humble & Kim 2018, with data in place of commits)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from ostinato.data import overview as data
from ostinato.insights.types import Passage, Practice, Share, Span, Stage
from ostinato.kernel.event import Event
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.registry import overview as registry
from ostinato.registry.types import Model
from ostinato.serving import overview as serving
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.tracking import overview as tracking

_Z = 1.959963984540054
_PASSAGES_MAX = 200
_OWN = {"batch": "serving", "measure": "monitoring"}
"""The stages of the platform's own pipelines, by the experiments of their runs."""


@dataclass(slots=True)
class Life:
    """The dates of a version's stages, as far as it got."""

    data: list[Ref] = field(default_factory=list)
    run: Ref | None = None
    registered_at: datetime | None = None
    approvers: set[str] = field(default_factory=set)
    approved_at: datetime | None = None
    promoted_at: datetime | None = None
    served_at: datetime | None = None
    taken_back_at: datetime | None = None

    @property
    def live_at(self) -> datetime | None:
        """When it first answered; without an endpoint, when it became champion."""
        return self.served_at or self.promoted_at


def practice(rows: Rows, ledger: Ledger, project: str, since: datetime, until: datetime, price: float) -> Practice:
    """The figures of the versions that were approved or put live from `since` to `until`."""
    models, endpoints = rows.read(lambda tx: (registry.models(tx, project), serving.endpoint_summaries(tx, project)))
    lives: dict[Ref, Life] = {}
    for model in models:
        for event in _events_of(ledger, Ref("model", model.name), "model.*", until):
            _of_model(lives, model, event)
    for standing in endpoints:
        for verb in ("endpoint.deployed", "endpoint.rolled_back", "rollout.*"):
            for event in _events_of(ledger, Ref("endpoint", standing.endpoint.name), verb, until):
                _of_endpoint(lives, event)
    live = {ref: life for ref, life in lives.items() if life.live_at is not None and since <= life.live_at}
    approved = {ref: life for ref, life in lives.items() if life.approved_at is not None and since <= life.approved_at}
    failed = {ref: life for ref, life in live.items() if life.taken_back_at is not None}
    counted = {**approved, **live}
    delivered = rows.read(lambda tx: {ref: _delivered_at(tx, project, life.data) for ref, life in counted.items()})
    return Practice(
        since=since,
        until=until,
        lead_time=_span({ref: (delivered[ref], life.live_at) for ref, life in live.items()}),
        approval_wait=_span({ref: (life.registered_at, life.approved_at) for ref, life in approved.items()}),
        changes=len(live),
        failed_changes=_share(len(failed), len(live)),
        restore=_span({ref: (life.live_at, life.taken_back_at) for ref, life in failed.items()}),
        stages=rows.read(lambda tx: _stages(tx, project, lives, since, until, price)),
        passages=sorted((_passage(ref, life, delivered[ref]) for ref, life in counted.items()), key=_newest)[:_PASSAGES_MAX],
    )


def _passage(ref: Ref, life: Life, delivered_at: datetime | None) -> Passage:
    return Passage(
        version=ref, delivered_at=delivered_at, registered_at=life.registered_at, approved_at=life.approved_at, live_at=life.live_at,
        taken_back_at=life.taken_back_at,
    )  # fmt: skip


def _newest(passage: Passage) -> tuple[float, str]:
    at = passage.registered_at or passage.live_at
    return (-at.timestamp() if at else 0.0, str(passage.version))


def _events_of(ledger: Ledger, subject: Ref, verb: str, until: datetime) -> Iterator[Event]:
    after: str | None = None
    while True:
        page = ledger.events(subject=subject, verb=verb, until=until, after=after, limit=1000)
        yield from page.items
        if page.next is None:
            return
        after = page.next


def _of_model(lives: dict[Ref, Life], model: Model, event: Event) -> None:
    if event.subject.version is None:
        return
    life = lives.setdefault(event.subject, Life())
    if event.verb == "model.registered":
        life.registered_at = event.at
        life.data = [ref for ref in event.inputs if ref.kind == "dataset"]
        life.run = next((ref for ref in event.inputs if ref.kind == "run"), None)
    elif event.verb == "model.approved":
        life.approvers.add(str(event.data["responsible"]))
        if life.approved_at is None and len(life.approvers) >= model.approvals:
            life.approved_at = event.at
    elif event.verb == "model.promoted" and event.data["alias"] == "champion":
        life.promoted_at = life.promoted_at or event.at
    elif event.verb == "model.rolled_back" and event.data["alias"] == "champion":
        life.taken_back_at = life.taken_back_at or event.at


def _of_endpoint(lives: dict[Ref, Life], event: Event) -> None:
    begun = event.verb == "endpoint.deployed" or (event.verb == "rollout.started" and any(w > 0 for w in event.data["weights"]))
    if begun and event.inputs:
        life = lives.setdefault(event.inputs[0], Life())
        life.served_at = event.at if life.served_at is None else min(life.served_at, event.at)
    back = {"endpoint.rolled_back": "from", "rollout.rolled_back": "candidate"}.get(event.verb)
    if back is not None:
        life = lives.setdefault(Ref.parse(str(event.data[back])), Life())
        life.taken_back_at = event.at if life.taken_back_at is None else min(life.taken_back_at, event.at)


def _delivered_at(tx: Tx, project: str, datasets: list[Ref]) -> datetime | None:
    """When the newest of the data came; None if that is not known."""
    known = [data.delivered_at(tx, project, ref.name, int(ref.version)) for ref in datasets if ref.version and ref.version.isdecimal()]
    return max((at for at in known if at is not None), default=None)


def _span(cases: Mapping[Ref, tuple[datetime | None, datetime | None]]) -> Span:
    hours = {ref: (to - start).total_seconds() / 3600 for ref, (start, to) in cases.items() if start is not None and to is not None}
    if not hours:
        return Span(cases=0)
    p50, p90 = np.quantile(list(hours.values()), (0.5, 0.9))
    worst = max(hours, key=lambda ref: hours[ref])
    return Span(cases=len(hours), p50_h=float(p50), p90_h=float(p90), worst_h=hours[worst], worst=worst)


def _share(hits: int, cases: int) -> Share:
    """A share with its Wilson interval."""
    if not cases:
        return Share(cases=0, hits=0)
    p, over = hits / cases, _Z * _Z / cases
    centre, half = p + over / 2, _Z * math.sqrt(p * (1 - p) / cases + over / (4 * cases))
    low = (centre - half) / (1 + over) if hits else 0.0  # exactly so, not but for rounding
    high = (centre + half) / (1 + over) if hits < cases else 1.0
    return Share(cases=cases, hits=hits, share=p, low=low, high=high)


def _stages(tx: Tx, project: str, lives: Mapping[Ref, Life], since: datetime, until: datetime, price: float) -> list[Stage]:
    """The cost of each experiment; one that made a version of a model counts as training."""
    runs = [tracking.run(tx, project, life.run.name) for life in lives.values() if life.run is not None]
    trained = {run.experiment for run in runs if run is not None}
    spent = tracking.spent(tx, project, since, until)
    return [
        Stage(
            stage="training" if s.experiment in trained else _OWN.get(s.experiment, "experiments"),  # type: ignore[arg-type]
            experiment=s.experiment,
            runs=s.runs,
            failed=s.failed,
            cpu_s=s.cpu_s,
            money=s.cpu_s * price / 3600 if price else None,
        )
        for s in sorted(spent, key=lambda s: -s.cpu_s)
    ]
