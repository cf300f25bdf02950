"""Waits: what in the loop of a model needs a person."""

from __future__ import annotations

from collections.abc import Iterator

from ostinato.data import overview as data
from ostinato.insights.types import Wait
from ostinato.kernel.ref import Ref
from ostinato.monitoring import overview as monitoring
from ostinato.registry.types import AliasState, Model, ModelVersion
from ostinato.serving import overview as serving


def waits_of(
    model: Model,
    newest: list[ModelVersion],
    champion: AliasState | None,
    standing: serving.EndpointSummary | None,
    watches: list[monitoring.MonitorSummary],
    behind: data.DatasetSummary | None,
) -> list[Wait]:
    """The items that wait in the loop of a model, longest waiting first."""
    found = [*_versions(model, newest, champion, standing), *_rollouts(model, standing), *_findings(watches), *_deliveries(behind)]
    return sorted(found, key=lambda wait: wait.since)


def undecided(newest: list[ModelVersion], champion: AliasState | None) -> ModelVersion | None:
    """The newest version, if it is newer than the champion and nobody has decided about it: older ones are overtaken."""
    last = newest[0] if newest else None
    overtaken = last is None or (champion is not None and last.version <= champion.version)
    return None if last is None or overtaken or last.state != "registered" else last


def _versions(
    model: Model, newest: list[ModelVersion], champion: AliasState | None, standing: serving.EndpointSummary | None
) -> Iterator[Wait]:
    if version := undecided(newest, champion):
        held = len({d.responsible for d in version.decisions if d.kind == "approved" and d.binding == version.binding})
        yield Wait(
            ref=version.ref,
            verb="models.approve",
            permission="model:approve",
            owner="",
            since=version.registered_at,
            why=f"registered by {version.author}; it has {held} of {model.approvals} approvals",
        )
    last = newest[0] if newest else None
    if last is not None and last.state == "approved" and (champion is None or last.version > champion.version):
        tried = standing is not None and standing.rollout is not None and standing.rollout.candidate == last.ref
        if not tried:
            verb, permission = ("endpoints.rollout", "endpoint:deploy") if standing else ("models.promote", "model:promote")
            yield Wait(ref=last.ref, verb=verb, permission=permission, owner="", since=last.decisions[-1].at, why="approved, and not live")


def _rollouts(model: Model, standing: serving.EndpointSummary | None) -> Iterator[Wait]:
    rollout = standing.rollout if standing else None
    if rollout is not None and rollout.state == "paused":
        held = rollout.pauses[-1]
        yield Wait(
            ref=Ref("rollout", rollout.id),
            verb="endpoints.resume",
            permission="endpoint:deploy",
            owner=held.by,
            since=held.since,
            why=f"{rollout.candidate} is paused: {held.reason}",
        )
    if rollout is not None and rollout.state == "inconclusive" and rollout.ended_at is not None and rollout.plan.on_inconclusive == "hold":
        yield Wait(
            ref=Ref("rollout", rollout.id),
            verb="endpoints.rollout",
            permission="endpoint:deploy",
            owner=model.owner,
            since=rollout.ended_at,
            why=f"{rollout.candidate} is neither better nor worse: {rollout.reason}",
        )


def _findings(watches: list[monitoring.MonitorSummary]) -> Iterator[Wait]:
    for watch in watches:
        if watch.open_findings and watch.open_since is not None:
            yield Wait(
                ref=Ref("monitor", watch.monitor.name),
                verb="monitors.acknowledge",
                permission="monitor:write",
                owner=watch.monitor.created_by,
                since=watch.open_since,
                why=f"{watch.open_findings} open finding" + "s" * (watch.open_findings != 1),
            )


def _deliveries(behind: data.DatasetSummary | None) -> Iterator[Wait]:
    if behind is not None and behind.last.state == "quarantined":
        yield Wait(
            ref=Ref("dataset", behind.dataset.name),
            verb="datasets.deliver",
            permission="dataset:write",
            owner=behind.dataset.owner,
            since=behind.last.delivered_at,
            why=f"the delivery {behind.last.key} is quarantined: {', '.join(f.check for f in behind.last.report.failures)}",
        )
