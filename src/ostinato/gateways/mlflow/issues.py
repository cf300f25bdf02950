"""Issues: what goes wrong in traces, found and followed by MLflow's clients."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from ostinato.app import Ostinato
from ostinato.gateways.mlflow import wire
from ostinato.gateways.mlflow.experiments import Experiments
from ostinato.gateways.mlflow.filter import Clause, Grammar, holds
from ostinato.gateways.mlflow.wire import A3, Ask, Int64, filled
from ostinato.kernel.errors import Invalid
from ostinato.kernel.operation import Op
from ostinato.traces.issues import SEVERITIES
from ostinato.traces.review_types import Issue
from ostinato.traces.types import IssueState, Severity

_GRAMMAR = Grammar({"status": "text", "source_run_id": "text"}, {}, called="filter field")


class CreateIssue(Ask, kw_only=True):
    """Something that goes wrong."""

    experiment_id: str
    name: str
    description: str
    status: IssueState | Literal[""] = "pending"
    severity: Severity | Literal[""] = ""
    root_causes: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    source_run_id: str = ""
    created_by: str = ""


class IssueAsk(Ask, kw_only=True):
    """An issue."""

    issue_id: str


class UpdateIssue(IssueAsk, kw_only=True):
    """What is said otherwise of an issue; what is empty stays."""

    status: IssueState | Literal[""] = ""
    name: str = ""
    description: str = ""
    severity: Severity | Literal[""] = ""


class SearchIssues(Ask, kw_only=True):
    """A page of issues."""

    experiment_id: str = ""
    filter_string: str = ""
    max_results: Int64 | None = None
    page_token: str = ""
    include_trace_count: bool = False


class Issues:
    """The routes of issues."""

    def __init__(self, app: Ostinato) -> None:
        self._traces = app.traces
        self._experiments = Experiments(app)

    def create(self, ask: CreateIssue) -> dict[str, Any]:
        """Say that something goes wrong."""
        made = self._traces.report_issue(
            self._experiments.living(ask.experiment_id), ask.name, ask.description, ask.status or "pending", ask.severity or None,
            list(ask.root_causes), list(ask.categories), ask.source_run_id or None, ask.created_by,
        )  # fmt: skip
        return {"issue": _shown(made)}

    def get(self, ask: IssueAsk) -> dict[str, Any]:
        """An issue."""
        return {"issue": _shown(self._traces.issue(ask.issue_id))}

    def update(self, ask: UpdateIssue) -> dict[str, Any]:
        """Say otherwise what it is, how bad, or what became of it."""
        more = (ask.name or None, ask.description or None, ask.status or None, ask.severity or None)
        return {"issue": _shown(self._traces.change_issue(ask.issue_id, *more))}

    def search(self, ask: SearchIssues) -> dict[str, Any]:
        """Issues by what became of them and by the run that found them, the worst first."""
        start, most = wire.offset(ask.page_token), wire.most(ask.max_results, 100, 50_000)
        clauses = _GRAMMAR.clauses(ask.filter_string)
        if odd := [clause.op for clause in clauses if clause.op not in ("=", "!=")]:
            raise Invalid(f"Invalid comparator '{odd[0]}'. Supported comparators: =, !=", field="filter_string")
        of = ask.experiment_id
        found = [one for one in self._traces.issues() if of in ("", one.experiment) and all(_holds(clause, one) for clause in clauses)]
        counted = ask.include_trace_count
        found.sort(key=lambda one: (SEVERITIES.index(one.severity), counted * one.traces, one.created_at, one.id), reverse=True)
        shown = [_shown(one) | ({"trace_count": one.traces} if counted else {}) for one in found[start : start + most + 1]]
        return wire.page("issues", shown, start, most)

    OPS: ClassVar[list[Op]] = [
        Op("POST", f"{A3}/issues", create, "trace:assess"),
        Op("POST", f"{A3}/issues/search", search, "trace:read"),
        Op("GET", f"{A3}/issues/{{issue_id}}", get, "trace:read"),
        Op("PATCH", f"{A3}/issues/{{issue_id}}", update, "trace:assess"),
    ]


def _shown(one: Issue) -> dict[str, Any]:
    return filled(
        issue_id=one.id,
        experiment_id=one.experiment,
        name=one.name,
        description=one.description,
        status=one.state,
        severity=one.severity,
        root_causes=one.causes,
        categories=one.categories,
        source_run_id=one.run,
        created_by=one.found_by,
        created_timestamp=wire.millis(one.created_at),
        last_updated_timestamp=wire.millis(one.changed_at),
    )


def _holds(clause: Clause, one: Issue) -> bool:
    return holds(clause, one.state if clause.key == "status" else one.run)
