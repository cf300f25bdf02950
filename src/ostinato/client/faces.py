"""Faces: the slices by the names of their attributes, where their operations stand, and a line about each. Imports none of them."""

from __future__ import annotations

FACES: tuple[tuple[str, str, str], ...] = (
    ("access", "ostinato.access.api", "People, services, roles and tokens."),
    ("ledger", "ostinato.ledger.api", "Who did what: history, lineage, seals and their check."),
    ("datasets", "ostinato.data.api", "Datasets, their deliveries, contracts and versions."),
    ("features", "ostinato.features.api", "Feature views, point-in-time and online values."),
    ("runs", "ostinato.tracking.api", "Experiments and runs: parameters, metrics, artifacts."),
    ("traces", "ostinato.traces.api", "Traces of programs: spans, costs, assessments."),
    ("pipelines", "ostinato.pipelines.api", "Pipelines and their executions."),
    ("evaluations", "ostinato.evaluation.api", "What models were measured to be worth."),
    ("models", "ostinato.registry.api", "Model versions, gates, approvals and aliases."),
    ("explanations", "ostinato.explain.api", "Why a model says what it says."),
    ("endpoints", "ostinato.serving.api", "Predictions, rollouts and labels."),
    ("monitors", "ostinato.monitoring.api", "Windows, findings and alerts."),
    ("insights", "ostinato.insights.api", "Search, loops at a glance, what waits, how it goes."),
)
"""Name, module and one line of each slice; equal to `ostinato.app.SLICES`, and a test sees to it."""
