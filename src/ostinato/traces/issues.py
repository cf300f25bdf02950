"""Issues: the verbs of Traces that keep what is found wrong in them, and which of them show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Column, Index, Row, Table, Text, and_, delete, func, insert, literal, select, update

from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Conflict, Invalid, NotFound
from ostinato.kernel.ids import new_id
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.storage.rows.rows import Instant, Json, Rows, Tx, metadata
from ostinato.traces import store
from ostinato.traces.intake import clean, said_by
from ostinato.traces.review_types import Issue
from ostinato.traces.types import IssueState, Severity
from ostinato.tracking.lookup import checked_name, find_run
from ostinato.tracking.verbs.experiments import active_experiment, find_experiment

issue_table = Table(
    "traces_issue",
    metadata,
    Column("project", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("experiment", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("severity", Text),
    Column("causes", Json, nullable=False),
    Column("categories", Json, nullable=False),
    Column("run", Text),
    Column("found_by", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("changed_by", Text, nullable=False),
    Index("traces_issue_experiment", "project", "experiment"),
)
_i, _a = issue_table.c, store.assessment_table.c
_shown = and_(_a.project == _i.project, _a.name == _i.id, _a.kind == "issue", _a.valid.is_(True))
_evidence = select(func.count(_a.trace.distinct())).where(_shown).correlate(issue_table).scalar_subquery()
SEVERITIES: tuple[Severity | None, ...] = (None, "not_an_issue", "low", "medium", "high")
ISSUES_MAX = 10_000
_TEXTS_MAX, _TEXT_MAX = 100, 100_000


class Issues:
    """A mixin of Traces, which sets the attributes that are annotated here."""

    _rows: Rows
    _ledger: Ledger
    _clock: Clock

    def report_issue(
        self,
        experiment: str,
        name: str,
        description: str,
        state: IssueState = "pending",
        severity: Severity | None = None,
        causes: list[str] | None = None,
        categories: list[str] | None = None,
        run: str | None = None,
        found_by: str = "",
        id: str | None = None,
    ) -> Issue:
        """Say that something goes wrong in the traces of an experiment, by its id or name. With the `id` of one that is there, that one.

        Raises:
            NotFound: there is no such experiment or run.
            Denied: it is said in the name of another actor.
            Conflict: there are 10,000 already.
        """
        now, by = self._clock.now(), caller().actor

        def change(tx: Tx) -> Issue:
            project = caller().project
            known = _all(tx, _i.id == id) if id else []
            if known:
                return known[0]
            if tx.all(select(func.count()).where(_i.project == project))[0][0] >= ISSUES_MAX:
                raise Conflict(f"there are {ISSUES_MAX} issues", hint="say of one that is there that it is worse")
            made = Issue(
                id=Ref("issue", id or f"iss-{new_id()}").name, experiment=active_experiment(tx, experiment).id, name=checked_name(name),
                description=_text(description), state=state, severity=severity, causes=_texts(causes, "causes"),
                categories=_texts(categories, "categories"), run=find_run(tx, run).id if run else None,
                found_by=said_by(found_by) if found_by else "", created_at=now, created_by=by, changed_at=now, changed_by=by,
            )  # fmt: skip
            tx.execute(insert(issue_table), {"project": project, **_row(made)})
            self._ledger.append(tx, "issue.reported", made.ref, inputs=[Ref("run", made.run)] if made.run else [], data=_told(made))
            return made

        return self._rows.write(change)

    def issue(self, issue: str) -> Issue:
        """The issue with this id.

        Raises:
            NotFound: there is none.
        """
        return self._rows.read(lambda tx: found_issue(tx, issue))

    def issues(self, experiment: str | None = None, state: IssueState | None = None, trace: str | None = None) -> list[Issue]:
        """Issues of an experiment, by id or name, or of all: open ones first, then the worst; those that a trace shows, if it is named.

        Raises:
            NotFound: there is no such experiment.
        """

        def query(tx: Tx) -> list[Issue]:
            where = [_i.experiment == find_experiment(tx, experiment).id] if experiment else []
            where += [_i.state == state] if state else []
            where += [select(literal(1)).where(_shown, _a.trace == trace).correlate(issue_table).exists()] if trace else []
            return sorted(_all(tx, *where), key=worst, reverse=True)

        return self._rows.read(query)

    def change_issue(
        self, issue: str, name: str | None = None, description: str | None = None, state: IssueState | None = None,
        severity: Severity | None = None,
    ) -> Issue:  # fmt: skip
        """Say otherwise what an issue is, how bad, or what became of it. What is None stays.

        Raises:
            NotFound: there is no such issue.
        """

        def change(tx: Tx) -> Issue:
            known = found_issue(tx, issue)
            changed = replace(
                known, name=known.name if name is None else checked_name(name), state=state or known.state,
                description=known.description if description is None else _text(description), severity=severity or known.severity,
                changed_at=self._clock.now(), changed_by=caller().actor,
            )  # fmt: skip
            tx.execute(update(issue_table).where(_i.project == caller().project, _i.id == issue).values(**_row(changed)))
            self._ledger.append(tx, "issue.changed", changed.ref, data=_told(changed))
            return changed

        return self._rows.write(change)


def found_issue(tx: Tx, issue: str) -> Issue:
    """The issue with this id.

    Raises:
        NotFound: there is none.
    """
    known = _all(tx, _i.id == issue)
    if not known:
        raise NotFound(f"Issue with ID '{issue[:200]}' not found", hint="traces.issues() lists those of this project")
    return known[0]


def worst(issue: Issue) -> tuple[Any, ...]:
    """By what the worst issue is found: whether it is open, how bad it is, how many traces show it, how new it is."""
    return issue.state in ("pending", "accepted"), SEVERITIES.index(issue.severity), issue.traces, issue.created_at, issue.id


def forget_issues(tx: Tx, experiment: str) -> None:
    """Delete the issues of an experiment that is purged."""
    tx.execute(delete(issue_table).where(_i.project == caller().project, _i.experiment == experiment))


def _all(tx: Tx, *where: Any) -> list[Issue]:
    return [_read(row) for row in tx.all(select(issue_table, _evidence.label("traces")).where(_i.project == caller().project, *where))]


def _read(row: Row[Any]) -> Issue:
    return Issue(**{name: value for name, value in row._mapping.items() if name != "project"})


def _row(issue: Issue) -> dict[str, Any]:
    return {name: getattr(issue, name) for name in _i.keys() if name != "project"}  # noqa: SIM118 — not a dict


def _told(issue: Issue) -> dict[str, Any]:
    """What the ledger keeps: the description may quote what people wrote."""
    return {"name": issue.name, "state": issue.state, "severity": issue.severity, "experiment": issue.experiment}


def _text(text: str) -> str:
    if len(text) > _TEXT_MAX:
        raise Invalid(f"a description of {len(text)} signs", hint=f"at most {_TEXT_MAX}", field="description")
    return clean(text)


def _texts(texts: Sequence[str] | None, field: str) -> list[str]:
    given = [clean(text) for text in texts or []]
    if len(given) > _TEXTS_MAX or any(len(text) > _TEXT_MAX // 10 for text in given):
        raise Invalid(f"too many or too long {field}", hint=f"up to {_TEXTS_MAX}, each of up to {_TEXT_MAX // 10} signs", field=field)
    return given
