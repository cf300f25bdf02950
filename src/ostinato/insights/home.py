"""The home page: the state of every model's loop, from the overviews of all slices."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ostinato.data import overview as data
from ostinato.evaluation import overview as evaluation
from ostinato.evaluation.types import Estimate
from ostinato.features import overview as features
from ostinato.insights.types import (
    Cost,
    Data,
    Drift,
    Effect,
    Health,
    Home,
    Loop,
    Production,
    Quality,
    Rolling,
    Trained,
)
from ostinato.insights.waits import waits_of
from ostinato.kernel.frozen import frozen
from ostinato.kernel.ref import Ref
from ostinato.monitoring import overview as monitoring
from ostinato.monitoring.types import Measurement, Window
from ostinato.registry import overview as registry
from ostinato.registry.types import AliasState, Model, ModelVersion
from ostinato.serving import overview as serving
from ostinato.serving.types import UNDER_WAY, Rollout
from ostinato.storage.rows.rows import Tx
from ostinato.tracking import overview as tracking

_HEALTH_H = 24
_COST_DAYS = 30
_ERRORS_MAX = 0.01
"""The share of failed requests from which on something is wrong."""


@frozen
class Around:
    """The context of all loops: the caller's project and permissions, the instant, the price of CPU, the path of logs."""

    project: str
    permissions: frozenset[str]
    now: datetime
    price: float
    log: Callable[[str], Path]


@frozen
class Sight:
    """One model with what its parts are told from."""

    model: Model
    champion: AliasState | None
    newest: list[ModelVersion]
    serving: serving.EndpointSummary | None
    watches: list[monitoring.MonitorSummary]
    behind: data.DatasetSummary | None

    @property
    def last(self) -> ModelVersion | None:
        return self.newest[0] if self.newest else None


def home(tx: Tx, around: Around) -> Home:
    """Every model and its loop."""
    models = registry.models(tx, around.project)
    standings = serving.endpoint_summaries(tx, around.project) if "endpoint:read" in around.permissions else []
    watches = monitoring.monitor_summaries(tx, around.project) if "monitor:read" in around.permissions else []
    loops = [_loop(tx, around, _model_sight(tx, around, model, standings, watches)) for model in models]
    return Home(
        at=around.now,
        loops=sorted(loops, key=lambda loop: (-loop.worry, loop.model.name)),
        command="" if models else "ostinato models create --name NAME",
    )


def _model_sight(
    tx: Tx, around: Around, model: Model, standings: list[serving.EndpointSummary], watches: list[monitoring.MonitorSummary]
) -> Sight:
    served = [s for s in standings if s.endpoint.model == model.name]
    names = {s.endpoint.name for s in served}
    newest = registry.newest(tx, around.project, model, 5, around.now)
    drawn = [ref for ref in newest[0].datasets if ref.kind == "dataset"] if newest and "dataset:read" in around.permissions else []
    behind = [found for ref in drawn if (found := data.dataset_summary(tx, around.project, ref.name))]
    return Sight(
        model=model,
        champion=registry.champion(tx, around.project, model.name),
        newest=newest,
        serving=max(served, key=lambda s: s.endpoint.created_at, default=None),
        watches=[w for w in watches if w.monitor.endpoint in names],
        behind=min(behind, key=lambda s: s.accepted.delivered_at, default=None),
    )


def _loop(tx: Tx, around: Around, sight: Sight) -> Loop:
    name = sight.model.name
    parts: dict[str, Any] = {
        "data": _data(tx, around, sight),
        "trained": _trained(sight),
        "production": _production(sight),
        "rollout": _rollout(sight),
        "health": _health(around, sight),
        "drift": _drift(sight),
        "quality": _quality(tx, around, sight),
        "cost": _cost(tx, around, sight),
    }
    waits = waits_of(sight.model, sight.newest, sight.champion, sight.serving, sight.watches, sight.behind)
    loop = Loop(model=Ref("model", name), owner=sight.model.owner, description=sight.model.description, worry=0, waits=waits, **parts)
    absent = {part: _missing(around, part, sight) for part, found in parts.items() if found is None}
    return replace(loop, worry=_severity(loop), absent=absent)


def _data(tx: Tx, around: Around, sight: Sight) -> Data | None:
    found = sight.behind
    if found is None or found.accepted.version is None:
        return None
    promises = (found.promised_h, features.promised_h(tx, around.project, found.dataset.name))
    promised_h = min((hours for hours in promises if hours is not None), default=None)
    age_h = (around.now - found.accepted.delivered_at).total_seconds() / 3600
    return Data(
        version=Ref("dataset", found.dataset.name, str(found.accepted.version)),
        delivered_at=found.accepted.delivered_at,
        age_h=age_h,
        promised_h=promised_h,
        fresh=None if promised_h is None else age_h <= promised_h,
        last_at=found.last.delivered_at,
        state=found.last.state,
        failed=[f"{f.check}({', '.join(f.columns)})" for f in found.last.report.failures],
    )


def _trained(sight: Sight) -> Trained | None:
    return Trained(version=sight.last.ref, at=sight.last.registered_at, run=sight.last.run) if sight.last else None


def _production(sight: Sight) -> Production | None:
    if sight.serving is not None and sight.serving.release is not None:
        release = sight.serving.release
        return Production(version=release.stable, since=release.since, by=release.by, endpoint=_endpoint(sight.serving))
    named = sight.champion
    return Production(version=named.ref, since=named.since, by=named.promoted_by, endpoint=None) if named else None


def _rollout(sight: Sight) -> Rolling | None:
    if sight.serving is None or sight.serving.rollout is None:
        return None
    made: Rollout = sight.serving.rollout
    seen, plan = made.evidence, made.plan
    pairs = (seen.pairs if plan.labels else seen.scored) if seen else 0
    against = math.log(max(seen.e_value, 1.0)) / math.log(1 / plan.alpha) if seen else 0.0
    return Rolling(
        rollout=Ref("rollout", made.id),
        endpoint=_endpoint(sight.serving),
        candidate=made.candidate,
        strategy=plan.strategy,
        state=made.state,
        reason=made.reason,
        weight=made.steps[-1].weight if made.state in UNDER_WAY else 0.0,
        since=made.ended_at or made.started_at,
        pairs=pairs,
        e_value=seen.e_value if seen else None,
        e_limit=1 / plan.alpha,
        harm=seen.harm if seen else None,
        low=seen.low if seen else None,
        high=seen.high if seen else None,
        margin=plan.margin,
        to_rollback=min(1.0, against),
        to_end=min(1.0, pairs / plan.max_requests),
    )


def _health(around: Around, sight: Sight) -> Health | None:
    if sight.serving is None:
        return None
    since = around.now - timedelta(hours=_HEALTH_H)
    until = around.now + timedelta(microseconds=1)  # what is answered at this very instant counts
    seen = serving.traffic(around.log(sight.serving.endpoint.name), since, until, _HEALTH_H)
    return Health(
        endpoint=_endpoint(sight.serving), since=since, requests=sum(seen.requests), errors=sum(seen.errors), p50_ms=seen.p50_ms,
        p95_ms=seen.p95_ms, spark=seen.requests, spark_errors=seen.errors,
    )  # fmt: skip


def _drift(sight: Sight) -> Drift | None:
    watch = max(sight.watches, key=lambda w: (w.windows[0].end.timestamp() if w.windows else 0.0, w.monitor.name), default=None)
    if watch is None:
        return None
    window = watch.windows[0] if watch.windows else None
    drifts = [m for m in window.measurements if m.kind == "drift"] if window else []
    worst = max(drifts, key=lambda m: (m.alarm, m.effect - m.tolerance), default=None)
    return Drift(
        monitor=Ref("monitor", watch.monitor.name),
        window=Ref("window", window.id) if window else None,
        measured_to=window.end if window else None,
        worst=_effect(worst) if worst else None,
        open_findings=sum(w.open_findings for w in sight.watches),
    )


def _effect(m: Measurement) -> Effect:
    return Effect(feature=m.feature, test=m.test, effect=m.effect, low=m.low, high=m.high, tolerance=m.tolerance, alarm=m.alarm)


def _quality(tx: Tx, around: Around, sight: Sight) -> Quality | None:
    windows = sorted((w for watch in sight.watches for w in watch.windows), key=lambda w: w.end, reverse=True)
    judged = [(w, m) for w in windows for m in w.measurements if m.kind == "performance" and m.observed is not None]
    if not judged:
        return None
    window, found = min(judged, key=lambda pair: (-pair[0].end.timestamp(), pair[1].test))
    low, high = _interval(found)
    before = _approved(tx, around, sight, window).get(found.test, Estimate(value=None))
    return Quality(
        metric=found.test, now=found.observed or 0.0, low=low, high=high, approved=before.value, approved_low=before.low,
        approved_high=before.high, labelled=window.labelled, rows=window.rows, window=Ref("window", window.id), measured_to=window.end,
        alarm=found.alarm,
    )  # fmt: skip


def _interval(m: Measurement) -> tuple[float, float]:
    """The interval of what was observed, from that of the effect: what was lost against what was expected."""
    now, before = m.observed or 0.0, m.expected or 0.0
    if abs((before - now) - m.effect) <= abs((now - before) - m.effect):
        return before - m.high, before - m.low
    return before + m.low, before + m.high


def _approved(tx: Tx, around: Around, sight: Sight, window: Window) -> dict[str, Estimate]:
    """The evaluated metric of the version that answered most in the window."""
    if "evaluation:read" not in around.permissions or not window.versions:
        return {}
    number = max(window.versions, key=lambda text: window.versions[text])
    version = registry.version(tx, around.project, sight.model, int(number), around.now) if number.isdecimal() else None
    found = evaluation.evaluation(tx, around.project, version.evaluation) if version and version.evaluation else None
    return found.report.metrics if found else {}


def _cost(tx: Tx, around: Around, sight: Sight) -> Cost | None:
    if "run:read" not in around.permissions:
        return None
    runs = [tracking.run(tx, around.project, v.run.name) for v in sight.newest if v.run and v.run.kind == "run"]
    experiments = sorted({run.experiment for run in runs if run})
    if not experiments:
        return None
    spent = tracking.spent(tx, around.project, around.now - timedelta(days=_COST_DAYS), around.now, experiments)
    cpu_s = sum(s.cpu_s for s in spent)
    return Cost(
        days=_COST_DAYS, runs=sum(s.runs for s in spent), failed=sum(s.failed for s in spent), cpu_s=cpu_s,
        money=cpu_s * around.price / 3600 if around.price else None,
    )  # fmt: skip


def _endpoint(standing: serving.EndpointSummary) -> Ref:
    return Ref("endpoint", standing.endpoint.name)


_NEEDS = {"data": "dataset:read", "rollout": "endpoint:read", "health": "endpoint:read", "drift": "monitor:read", "quality": "monitor:read"}


def _missing(around: Around, part: str, sight: Sight) -> str:
    """The command that makes a part that is absent; where the caller may not see it, that."""
    needs = _NEEDS.get(part, "run:read" if part == "cost" else "model:read")
    if needs not in around.permissions:
        return f"needs the permission {needs}"
    name, newest = sight.model.name, f"{sight.model.name}@{sight.last.version}" if sight.last else f"{sight.model.name}@1"
    endpoint = sight.serving.endpoint.name if sight.serving else name
    deploy = f"ostinato endpoints deploy {name} --model {name}@champion"
    monitor = f"ostinato monitors create --name {endpoint} --endpoint {endpoint} --reference DIGEST --features NAME"
    register = f"ostinato models register {name} --artifact DIGEST --flavor sklearn --signature @signature.json"
    return {
        "data": register + " --datasets dataset:NAME@1",
        "trained": register,
        "production": f"ostinato models promote {newest}",
        "rollout": f"ostinato endpoints rollout {endpoint} --candidate {newest}" if sight.serving else deploy,
        "health": deploy,
        "drift": monitor if sight.serving else deploy,
        "quality": (f"ostinato endpoints label-from {endpoint} --dataset NAME" if sight.watches else monitor) if sight.serving else deploy,
        "cost": register + " --run run:ID",
    }[part]


def _severity(loop: Loop) -> int:
    health, drift, quality, data_ = loop.health, loop.drift, loop.quality, loop.data
    wrong = (
        (health is not None and health.errors > _ERRORS_MAX * health.requests)
        or (drift is not None and drift.open_findings > 0)
        or (quality is not None and quality.alarm)
        or (data_ is not None and (data_.fresh is False or data_.state == "quarantined"))
    )
    return 2 if wrong else 1 if loop.waits else 0
