"""The verb of Models that compares versions: metrics, data, signature, cost and artifact."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ostinato.evaluation.metric import METRICS
from ostinato.evaluation.service import Evaluations
from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Invalid
from ostinato.registry import as_of
from ostinato.registry.lookup import find_version
from ostinato.registry.pages import line_of
from ostinato.registry.types import Field, ModelVersion
from ostinato.registry.views import Aspect, Compared, ComparedMetric, Facet, VersionComparison
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.tracking.service import Runs
from ostinato.tracking.types import Environment, Run

_MOST = 10


class Comparisons:
    """A mixin of Models, which sets the attributes that are annotated here."""

    _rows: Rows
    _clock: Clock
    _runs: Runs
    _evaluations: Evaluations

    def compare(self, refs: list[str]) -> VersionComparison:
        """Compare two to ten versions (`late@7`, `late@champion`, also of several models) side by side, in the given order.

        Raises:
            Invalid: too few or too many are given, or one twice.
            NotFound: there is no such version.
        """
        now = self._clock.now()
        found = self._rows.read(lambda tx: [find_version(tx, ref, now) for ref in refs])
        versions = [version for _, version in found]
        if not 2 <= len({v.ref for v in versions}) == len(refs) <= _MOST:
            raise Invalid(f"{len(refs)} versions to compare", hint=f"2 to {_MOST} different ones", field="refs")
        reports = self._evaluations.many([v.evaluation for v in versions if v.evaluation])
        evaluations = [reports.get(v.evaluation or "") for v in versions]
        runs = [self._runs.get(v.run.name) if v.run else None for v in versions]
        environments = [self._runs.story(run.id).environment if run else None for run in runs]

        def lines(tx: Tx) -> list[Compared]:
            checks = as_of.checks(tx, caller().project, [v.ref for v in versions], None)
            return [
                Compared(line=line_of(v, of.aliases, checks.get(str(v.ref)), e), rows=e.data if e else None)
                for (of, v), e in zip(found, evaluations, strict=True)
            ]

        measured = [e.report.metrics if e else {} for e in evaluations]
        metrics = [
            ComparedMetric(metric=name, higher_is_better=METRICS.get(name).higher_is_better, values=[m.get(name) for m in measured])
            for name in METRICS.names()
            if any(name in m for m in measured)
        ]
        return VersionComparison(
            versions=self._rows.read(lines),
            same_rows=len({e.data if e else "" for e in evaluations}) == 1 and all(evaluations),
            metrics=metrics,
            aspects=list(_aspects(versions, runs, environments)),
        )


def _aspects(versions: Sequence[ModelVersion], runs: Sequence[Run | None], environments: Sequence[Environment | None]) -> Sequence[Aspect]:
    def each(of: Callable[[ModelVersion], Mapping[str, str]]) -> list[Mapping[str, str]]:
        return [of(v) for v in versions]

    told: list[tuple[Facet, Sequence[Mapping[str, str]]]] = [
        ("parameters", [{k: _as_text(v) for k, v in run.params.items()} if run else {} for run in runs]),
        ("datasets", each(lambda v: {d.name: f"{d}" for d in v.datasets})),
        ("features", each(lambda v: dict.fromkeys(v.features, "used"))),
        ("code", [_code(run) for run in runs]),
        ("environment", [_environment(e) for e in environments]),
        ("signature", each(lambda v: {name: _field(f) for name, f in _columns(v)})),
        ("artifact", each(lambda v: {"flavor": v.flavor, "size": f"{v.size}", "digest": v.artifact})),
    ]  # fmt: skip
    return [
        Aspect(part=part, name=name, values=[side.get(name) for side in sides], same=len({side.get(name) for side in sides}) == 1)
        for part, sides in told
        for name in dict.fromkeys(name for side in sides for name in side)
    ]


def _as_text(value: object) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _code(run: Run | None) -> dict[str, str]:
    if run is None:
        return {}
    told = {"commit": run.code.commit or "", "differs from the commit": "yes" if run.code.dirty else "", "program": run.code.entry}
    return {name: text for name, text in told.items() if text}


def _environment(found: Environment | None) -> dict[str, str]:
    return {"python": found.python, "platform": found.platform, **found.packages} if found else {}


def _columns(version: ModelVersion) -> list[tuple[str, Field]]:
    taken, answered = version.signature.inputs, version.signature.outputs
    return [*((f.name, f) for f in taken), *((f"→ {f.name}", f) for f in answered)]


def _field(found: Field) -> str:
    categories = f", {len(found.categories)} categories" if found.categories else ""
    return f"{found.dtype}{', nullable' if found.nullable else ''}{categories}"
