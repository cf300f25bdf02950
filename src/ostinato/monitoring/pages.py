"""SQL of windows and findings by the page: as many as are shown, however many there are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement, and_, func, or_, select

from ostinato.kernel.errors import Invalid
from ostinato.kernel.instant import instant_of, micros_of
from ostinato.monitoring.store import findings, windows
from ostinato.monitoring.types import Finding, Window
from ostinato.storage.rows.rows import Tx

_F, _W = findings.c, windows.c


def newest_windows(tx: Tx, project: str, monitor: str, since: datetime | None, until: datetime | None, limit: int) -> list[Window]:
    """The newest windows that start with `since <= start < until`, oldest first; of several of the same instants, the last measured."""
    query = select(_W.body).where(_W.project == project, _W.monitor == monitor)
    if since is not None:
        query = query.where(_W.start >= since)
    if until is not None:
        query = query.where(_W.start < until)
    found: dict[tuple[datetime, datetime], Window] = {}
    for row in tx.all(query.order_by(_W.start.desc(), _W.key.desc()).limit(limit)):
        window = msgspec.convert(row.body, Window)
        known = found.get((window.start, window.end))
        if known is None or known.measured_at < window.measured_at:
            found[window.start, window.end] = window
    return sorted(found.values(), key=lambda w: (w.start, w.end))


def finding_page(
    tx: Tx, project: str, filters: Mapping[str, str | None], limit: int, after: str | None
) -> tuple[list[Finding], str | None]:
    """Findings behind a cursor, newest first, and the cursor of the next ones."""
    query = select(_F.body, _F.start, _F.id).where(_matching(project, filters)).order_by(_F.start.desc(), _F.id).limit(limit + 1)
    if after is not None:
        start, id_ = _cursor(after)
        query = query.where(or_(_F.start < start, and_(_F.start == start, _F.id > id_)))
    rows = tx.all(query)
    last = rows[limit - 1] if len(rows) > limit else None
    return [msgspec.convert(row.body, Finding) for row in rows[:limit]], last and json.dumps([micros_of(last.start), last.id])


def counts(tx: Tx, project: str, filters: Mapping[str, str | None]) -> dict[str, int]:
    """How many findings there are in each state."""
    query = select(_F.state, func.count().label("n")).where(_matching(project, filters)).group_by(_F.state)
    return {"open": 0, "acknowledged": 0, "silenced": 0} | {row.state: row.n for row in tx.all(query)}


def _matching(project: str, filters: Mapping[str, str | None]) -> ColumnElement[bool]:
    return and_(_F.project == project, *(_F[name] == value for name, value in filters.items() if value is not None))


def _cursor(after: str) -> tuple[datetime, str]:
    try:
        start, id_ = json.loads(after)
        if not isinstance(start, int) or not isinstance(id_, str):
            raise ValueError
        return instant_of(start), id_
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise Invalid("not a cursor", hint="pass the `next` of the page before", field="after") from None
