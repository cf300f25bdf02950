"""Summary: what a replay measured, proved and answers at its end."""

from __future__ import annotations

from datetime import datetime
from itertools import groupby
from typing import Any

from ostinato.explain.types import Contribution
from ostinato_flights.cast import Cast
from ostinato_flights.definitions import ENDPOINT
from ostinato_flights.journal import Journal
from ostinato_flights.progress import Progress
from ostinato_flights.source import NEW_YORK, start_of

_WAY = ("model", "run", "dataset", "source")
"""The kinds of things that a way back to the sources leads through."""
ASKED_FOR = datetime(2013, 5, 3, 14, tzinfo=NEW_YORK)

TABLES = {
    "Data, findings and requests of each month": (
        ("month", "month", ""),
        ("rows", "rows", ",d"),
        ("quarantined", "quarantined", ",d"),
        ("findings", "findings", "d"),
        ("of drift", "drift", "d"),
        ("requests", "requests", ",d"),
        ("failed", "failures", "d"),
    ),
    "The loop, and the first model left alone": (
        ("month", "month", ""),
        ("version at\nthe end", "production_version", "d"),
        ("flights\nlate", "share_late", ".1%"),
        ("AUC\nloop", "auc_loop", ".3f"),
        ("\nalone", "auc_static", ".3f"),
        ("Brier\nloop", "brier_loop", ".4f"),
        ("\nalone", "brier_static", ".4f"),
        ("saved, $\nloop", "saved_loop", ",.0f"),
        ("\nalone", "saved_static", ",.0f"),
    ),
}
"""Title, then per column its head, what it shows of a month, and how; each table fits into 80 characters."""


class Summary:
    """Everything is asked of the server at the end of the replay, but for the counts that the replay itself made."""

    def __init__(self, cast: Cast, journal: Journal, last: int) -> None:
        self._loop = cast.loop
        self._admin = cast.admin
        self._journal = journal
        self._months = [self._month(month) for month in range(1, last + 1)]
        self._verification = cast.admin.ledger.verify()
        self._production = self._asked(last)
        self._prediction = next(iter(cast.loop.endpoints.predictions(ENDPOINT, since=start_of(last), limit=1)), None)
        self._lineage = self._of_one_prediction()
        self._explanation = self._why()
        self._rollback = journal.get("rollback")

    def as_json(self) -> dict[str, Any]:
        """The summary as the file holds it."""
        return {
            "months": self._months,
            "ledger_verified": self._verification.ok,
            "events": self._verification.events,
            "lineage": self._lineage,
            "explanation": self._explanation,
            "production_at": self._production,
            "rollback": self._rollback,
        }

    def show(self, progress: Progress) -> None:
        """The tables and sentences for people."""
        for title, columns in TABLES.items():
            rows = [[_cell(month[key], form) for _, key, form in columns] for month in self._months]
            progress.table(title, [head for head, _, _ in columns], rows)
        if self._rollback:
            progress.good(f"bad release: {self._rollback['sentence']}")
        progress.good(f"what was in production on {ASKED_FOR:%Y-%m-%d %H:%M}? {_answer(self._production)}")
        if self._explanation:
            progress.good(f"why prediction {self._explanation['request_id']}? {self._explanation['sentence']}")
        if self._lineage:
            progress.good(f"lineage of prediction {self._lineage['request_id']}: " + " ← ".join(_short(self._lineage["path"])))
        proof = f"{self._verification.events:,} events, {self._verification.sealed:,} of them under a signed head"
        (progress.good if self._verification.ok else progress.warn)(
            f"the ledger is {'intact' if self._verification.ok else 'BROKEN'}: {proof}"
        )

    def _month(self, month: int) -> dict[str, Any]:
        name = f"2013-{month:02d}"
        kept = {act: self._journal.get(f"{name}/{act}", {}) for act in ("flights", "measured", "monitored", "served")}
        measured, found = kept["measured"], kept["monitored"]
        return {
            "month": name,
            "rows": kept["flights"]["rows"],
            "quarantined": kept["flights"]["quarantined"],
            "findings": found.get("findings", 0),
            "drift": found.get("drift", 0),
            "performance": found.get("performance", 0),
            **{
                key: measured.get(key)
                for key in ("share_late", "auc_loop", "auc_static", "brier_loop", "brier_static", "saved_loop", "saved_static")
            },
            "production_version": found.get("production_version"),
            "requests": kept["served"].get("requests", 0),
            "failures": kept["served"].get("failures", 0),
        }

    def _asked(self, last: int) -> dict[str, Any] | None:
        """Who was in production at the instant asked for; None if the replay ended before it."""
        if last < ASKED_FOR.month:
            return None
        found = self._loop.endpoints.production(ENDPOINT, at=ASKED_FOR)
        return {
            "at": ASKED_FOR.isoformat(),
            "since": found.since.isoformat(),
            "versions": [
                {"version": str(v.version), "role": v.role, "weight": v.weight, "approved_by": v.approved_by, "reasons": v.reasons}
                for v in found.versions
            ],
        }

    def _why(self) -> dict[str, Any] | None:
        """Why that prediction came out as it did: what each input added to the mean score of the reference."""
        prediction = self._prediction
        if prediction is None:
            return None
        background = self._loop.monitors.get(ENDPOINT).reference
        found = self._loop.explanations.explain_local(str(prediction.version), prediction.features, background)
        return {
            "request_id": prediction.request_id,
            "score": found.score,
            "base": found.base,
            "contributions": {c.feature: c.value for c in found.contributions},
            "sentence": f"{found.score:.3f} where {found.base:.3f} is the mean, by {_reasons(found.contributions)}",
        }

    def _of_one_prediction(self) -> dict[str, Any] | None:
        """The lineage of the last prediction, from the request back to the source files."""
        prediction = self._prediction
        if prediction is None:
            return None
        graph = self._loop.endpoints.lineage_of(ENDPOINT, prediction.request_id)
        nodes = [str(node) for node in graph.nodes]
        edges = [[str(edge.source), str(edge.target), edge.verb] for edge in graph.edges]
        return {
            "request_id": prediction.request_id,
            "version": str(prediction.version),
            "nodes": nodes,
            "edges": edges,
            "path": _path(nodes, edges),
        }


def _reasons(contributions: list[Contribution]) -> str:
    """The three inputs that moved a score most."""
    most = sorted(contributions, key=lambda c: -abs(c.value))[:3]
    return ", ".join(f"{c.feature} = {c.given if isinstance(c.given, str) else f'{c.given or 0:.3g}'} ({c.value:+.3f})" for c in most)


def _path(nodes: list[str], edges: list[list[str]]) -> list[str]:
    """One way back from the prediction to a source file, for the eye; `edges` are (source, target, verb)."""
    here, path = nodes[0], [nodes[0]]
    while True:
        back = [source for source, target, _ in edges if target == here and source not in path]
        if not back:
            return path
        here = min(back, key=lambda name: (_WAY.index(name.partition(":")[0]) if name.partition(":")[0] in _WAY else len(_WAY), name))
        path.append(here)


def _short(path: list[str]) -> list[str]:
    """The path with neighbouring versions of one thing as a range: `dataset:flights@9…1`.

    >>> _short(["model:late@2", "dataset:flights@3", "dataset:flights@2", "dataset:flights@1"])
    ['model:late@2', 'dataset:flights@3…1']
    """
    groups = [(name, list(members)) for name, members in groupby(path, key=lambda ref: ref.partition("@")[0])]
    return [members[0] if len(members) == 1 else f"{members[0]}…{members[-1].partition('@')[2]}" for _, members in groups]


def _answer(production: dict[str, Any] | None) -> str:
    if production is None:
        return "the replay ended before that day"
    versions = [
        f"{v['version']} ({v['weight']:.0%}), approved by {', '.join(v['approved_by'])}: {'; '.join(v['reasons'])}"
        for v in production["versions"]
    ]
    return f"{' and '.join(versions)}; since {production['since'][:16]}"


def _cell(value: Any, form: str) -> str:
    return "–" if value is None else format(value, form)
