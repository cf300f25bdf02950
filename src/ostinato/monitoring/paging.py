"""Queries for pages of windows and findings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from itertools import islice

import msgspec
from sqlalchemy import ColumnElement, Text, and_, case, func, or_, select, type_coerce

from ostinato.kernel.errors import Invalid
from ostinato.kernel.instant import instant_of, micros_of
from ostinato.monitoring.store import findings, windows
from ostinato.monitoring.types import Finding, Window
from ostinato.storage.rows.rows import Tx

_F, _W = findings.c, windows.c
_LATE = 400
"""So many windows that had begun at an instant may have been measured after it."""


def _says(name: str, value: str) -> ColumnElement[bool]:
    """Whether the body has a text in a field: it is JSON without spaces, where a quote inside a text is escaped."""
    return type_coerce(_F.body, Text).contains(f'"{name}":"{value}"', autoescape=True)


_rank = case((_says("severity", "critical"), 0), else_=1)


def newest_windows(
    tx: Tx, project: str, monitor: str, since: datetime | None, until: datetime | None, limit: int, at: datetime | None = None
) -> list[Window]:
    """The newest windows that start with `since <= start < until`, oldest first; of several of the same instants, the last measured.

    As of `at`: of those that were measured by then.
    """
    query = select(_W.body).where(_W.project == project, _W.monitor == monitor)
    if since is not None:
        query = query.where(_W.start >= since)
    if until is not None:
        query = query.where(_W.start < until)
    if at is not None:
        query = query.where(_W.start < at)
    found: dict[tuple[datetime, datetime], Window] = {}
    newest = tx.all(query.order_by(_W.start.desc(), _W.key.desc()).limit(limit if at is None else _LATE + limit))
    measured = (msgspec.convert(row.body, Window) for row in newest)
    for window in islice((w for w in measured if at is None or w.measured_at <= at), limit):
        known = found.get((window.start, window.end))
        if known is None or known.measured_at < window.measured_at:
            found[window.start, window.end] = window
    return sorted(found.values(), key=lambda w: (w.start, w.end))


def finding_page(
    tx: Tx, project: str, filters: Mapping[str, str | None], limit: int, after: str | None
) -> tuple[list[Finding], str | None]:
    """Findings behind a cursor, the newest windows first and of a window the critical ones, and the cursor of the next ones."""
    rank = _rank.label("rank")
    query = select(_F.body, _F.start, rank, _F.id).where(_matching(project, filters)).order_by(_F.start.desc(), rank, _F.id)
    if after is not None:
        start, least, id_ = _cursor(after)
        later = and_(_F.start == start, or_(_rank > least, and_(_rank == least, _F.id > id_)))
        query = query.where(or_(_F.start < start, later))
    rows = tx.all(query.limit(limit + 1))
    last = rows[limit - 1] if len(rows) > limit else None
    following = last and json.dumps([micros_of(last.start), last.rank, last.id])
    return [msgspec.convert(row.body, Finding) for row in rows[:limit]], following


def alike(tx: Tx, project: str, known: Finding, limit: int) -> list[Finding]:
    """Findings of the same test and feature by the same monitor in other windows, newest first."""
    seen = known.measurement
    same = {"monitor": known.monitor, "kind": seen.kind, "test": seen.test, "feature": seen.feature}
    query = select(_F.body).where(_matching(project, same), _F.id != known.id).order_by(_F.start.desc(), _F.id)
    return [msgspec.convert(row.body, Finding) for row in tx.all(query.limit(limit))]


def counts(tx: Tx, project: str, filters: Mapping[str, str | None]) -> dict[str, int]:
    """The number of findings by state."""
    query = select(_F.state, func.count().label("n")).where(_matching(project, filters)).group_by(_F.state)
    return {"open": 0, "acknowledged": 0, "silenced": 0} | {row.state: row.n for row in tx.all(query)}


def _matching(project: str, filters: Mapping[str, str | None]) -> ColumnElement[bool]:
    given = {"project": project} | {name: value for name, value in filters.items() if value is not None}
    wanted: list[ColumnElement[bool]] = [(_F[name] == value) if name in _F else _says(name, value) for name, value in given.items()]
    return and_(*wanted)


def _cursor(after: str) -> tuple[datetime, int, str]:
    try:
        start, rank, id_ = json.loads(after)
        if not isinstance(start, int) or not isinstance(rank, int) or not isinstance(id_, str):
            raise ValueError
        return instant_of(start), rank, id_
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise Invalid("not a cursor", hint="pass the `next` of the page before", field="after") from None
