"""Differences between runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ostinato.tracking.types import Metric, Run, Scalar
from ostinato.tracking.view_types import Comparison, Difference, MetricRow


def differences(runs: Sequence[Run], metrics: Sequence[Mapping[str, Metric]]) -> list[Difference]:
    """One entry for everything that is not the same in all runs, by kind and then by name."""
    rows = [_flat(run, measured) for run, measured in zip(runs, metrics, strict=True)]
    names = sorted({name for row in rows for name in row})
    compared = [Difference(what=name, values=[row.get(name) for row in rows]) for name in names]
    return [entry for entry in compared if any(_other(value, entry.values[0]) for value in entry.values)]


def compared(runs: Sequence[Run], metrics: Sequence[Mapping[str, Metric]]) -> Comparison:
    """Runs side by side."""
    rows = [_flat(run, {}) for run in runs]
    differing = differences(runs, [{}] * len(runs))
    other = {entry.what for entry in differing}
    keys = sorted({key for measured in metrics for key in measured})
    return Comparison(
        runs=list(runs),
        differing=differing,
        same={name: value for name, value in rows[0].items() if name not in other},
        metrics=[MetricRow(key=key, values=[measured.get(key) for measured in metrics]) for key in keys],
    )


def _flat(run: Run, metrics: Mapping[str, Metric]) -> dict[str, Scalar]:
    row: dict[str, Scalar] = {f"params.{key}": value for key, value in run.params.items()}
    row |= {f"tags.{key}": value for key, value in run.tags.items()}
    row |= {f"metrics.{key}": metric.last for key, metric in metrics.items()}
    row |= {"code.commit": run.code.commit, "code.dirty": run.code.dirty, "code.entry": run.code.entry}
    row |= {"environment": run.environment, "inputs": ", ".join(map(str, run.inputs)), "state": run.state}
    return row


def _other(one: Scalar, two: Scalar) -> bool:
    return type(one) is not type(two) or one != two
