"""The inbox: what waits for the caller, limited to what the caller may act on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from ostinato.data import overview as data
from ostinato.insights.types import Inbox, Item
from ostinato.insights.waits import undecided
from ostinato.kernel.ref import Ref
from ostinato.monitoring import overview as monitoring
from ostinato.pipelines import overview as pipelines
from ostinato.registry import overview as registry
from ostinato.registry.alias import why_lapsed
from ostinato.registry.types import AliasState, Model
from ostinato.serving import overview as serving
from ostinato.storage.rows.rows import Tx
from ostinato.tracking import overview as tracking

WINDOW_DAYS = 30
"""How far back findings, failures and deliveries are looked for; an approval waits however long."""
_MOST = 500


def inbox(tx: Tx, project: str, actor: str, permissions: frozenset[str], now: datetime, limit: int) -> Inbox:
    """The items that wait for `actor`, newest first."""
    since, items = now - timedelta(days=WINDOW_DAYS), list[Item]()
    if "model:approve" in permissions and actor.startswith("person:"):
        items += _approvals(tx, project, actor, now)
        items += _emergencies(tx, project, actor, now)
    if "monitor:write" in permissions:
        items += _findings(tx, project, since)
    if "endpoint:deploy" in permissions:
        items += _rollouts(tx, project)
    if "dataset:write" in permissions:
        items += _quarantines(tx, project, since)
    if "run:read" in permissions:
        items += _failures(tx, project, actor, since)
    counts: dict[str, int] = {}
    for item in items:
        counts[item.kind] = counts.get(item.kind, 0) + 1
    return Inbox(
        items=sorted(items, key=lambda item: (-item.since.timestamp(), str(item.ref)))[:limit], counts=counts, window_days=WINDOW_DAYS
    )


def _approvals(tx: Tx, project: str, actor: str, now: datetime) -> Iterator[Item]:
    for model in registry.models(tx, project):
        champion = registry.champion(tx, project, model.name)
        yield from _lapsed(tx, project, actor, model, champion, now)
        version = undecided(registry.newest(tx, project, model, 1, now), champion)
        if version is None or version.author == actor or actor in registry.approvers(version, now):
            continue
        check = registry.checked(tx, project, version)
        told = "not checked yet" if check is None else "its gates pass" if check.passed else "a gate says no"
        name = f"{version.model}@{version.version}"
        yield Item(
            kind="approval", ref=version.ref, title=f"{name} asks for an approval", detail=told + f" · {version.note}" * bool(version.note),
            since=version.registered_at, by=version.author, verb="models.approve", command=f"ostinato models approve {name} --reason '…'",
        )  # fmt: skip


def _lapsed(tx: Tx, project: str, actor: str, model: Model, champion: AliasState | None, now: datetime) -> Iterator[Item]:
    """Champions whose approval is no longer valid: they keep serving and need a review."""
    version = registry.version(tx, project, model, champion.version, now) if champion else None
    if version is None or champion is None or version.author == actor or version.state not in ("registered", "expired"):
        return
    name, lost = f"{version.model}@{version.version}", why_lapsed(version, now)
    yield Item(
        kind="approval", ref=version.ref, title=f"{name} is {champion.alias} without approval", detail=lost or "too few have approved it",
        since=champion.since, by=champion.promoted_by, verb="models.approve", command=f"ostinato models approve {name} --reason '…'",
    )  # fmt: skip


def _emergencies(tx: Tx, project: str, actor: str, now: datetime) -> Iterator[Item]:
    for made in registry.emergencies(tx, project):
        if not registry.may_review(tx, made, actor, now):
            continue
        late = "overdue since" if made.due_at <= now else "to be reviewed by"
        yield Item(
            kind="emergency", ref=made.version, title=f"the glass was broken for {made.version.name}@{made.version.version}",
            detail=f"{late} {made.due_at:%Y-%m-%d %H:%M} UTC · {made.reason}", since=made.at, by=made.by, verb="models.review_emergency",
            command=f"ostinato models review-emergency {made.id} --verdict justified --note '…'",
        )  # fmt: skip


def _findings(tx: Tx, project: str, since: datetime) -> Iterator[Item]:
    for finding in monitoring.open_findings(tx, project, since, _MOST):
        yield Item(
            kind="finding", ref=Ref("finding", finding.id), title=f"{finding.endpoint}: {finding.measurement.feature} ({finding.severity})",
            detail=finding.measurement.sentence, since=finding.end, by=f"monitor:{finding.monitor}", verb="monitors.acknowledge",
            command=f"ostinato monitors acknowledge {finding.id} --note '…'",
        )  # fmt: skip


def _rollouts(tx: Tx, project: str) -> Iterator[Item]:
    for standing in serving.endpoint_summaries(tx, project):
        made, name = standing.rollout, standing.endpoint.name
        if made is not None and made.state == "paused":
            held = made.pauses[-1]
            yield Item(
                kind="rollout", ref=Ref("rollout", made.id), title=f"{made.candidate} on {name}: paused", detail=held.reason,
                since=held.since, by=held.by, verb="endpoints.resume", command=f"ostinato endpoints resume {name}",
            )  # fmt: skip
        elif made is not None and made.state == "inconclusive" and made.ended_at is not None and made.plan.on_inconclusive == "hold":
            yield Item(
                kind="rollout", ref=Ref("rollout", made.id), title=f"{made.candidate} on {name}: no verdict", detail=made.reason,
                since=made.ended_at, by=made.started_by, verb="endpoints.rollout", command=f"ostinato endpoints rollouts {name}",
            )  # fmt: skip


def _quarantines(tx: Tx, project: str, since: datetime) -> Iterator[Item]:
    for made in data.uncorrected(tx, project, since, _MOST):
        failed = ", ".join(f"{f.check}({', '.join(f.columns)}): {f.violations}" for f in made.report.failures)
        yield Item(
            kind="quarantine", ref=Ref("dataset", made.dataset), title=f"{made.dataset}: the delivery {made.key} is quarantined",
            detail=failed, since=made.delivered_at, by=made.delivered_by, verb="datasets.deliver",
            command=f"ostinato datasets quarantined {made.dataset}",
        )  # fmt: skip


def _failures(tx: Tx, project: str, actor: str, since: datetime) -> Iterator[Item]:
    """Executions are runs as well: one that failed stands here once, as the execution."""
    failed = pipelines.failed(tx, project, actor, since, _MOST)
    for execution in failed:
        yield Item(
            kind="failure", ref=Ref("execution", execution.id), title=f"{execution.pipeline} failed", detail=execution.error,
            since=execution.at, by=actor, verb="pipelines.retry", command=f"ostinato pipelines retry {execution.id}",
        )  # fmt: skip
    known = {execution.id for execution in failed}
    for run in tracking.failed(tx, project, actor, since, _MOST):
        if run.id not in known:
            yield Item(
                kind="failure", ref=run.ref, title=f"{run.experiment}: {run.name} {run.state}", detail=run.error,
                since=run.ended_at or run.started_at, by=actor, verb="runs.get", command=f"ostinato runs get {run.id}",
            )  # fmt: skip
