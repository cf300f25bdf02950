"""Counts of events over time, by verb and by actor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select

from ostinato.kernel.instant import instant_of
from ostinato.ledger.store import event_table, narrowed
from ostinato.ledger.types import Tally, TallyBin
from ostinato.storage.rows.rows import Tx

_HOUR_S = 3600
_WIDTHS_S = [*(_HOUR_S * n for n in (1, 3, 6, 12, 24, 48, 24 * 7, 24 * 14, 24 * 28, 24 * 91)), _HOUR_S * 24 * 364]

_at, _verb, _actor = event_table.c.at_us, event_table.c.verb, event_table.c.actor
_events = func.count().label("events")


def tally(tx: Tx, project: str, filters: Mapping[str, Any], bins: int) -> Tally:
    """Counts of the events that pass the filters; the verbs as if none were asked for, and so the actors."""
    span = select(func.min(_at).label("first"), func.max(_at).label("last"), _events)
    whole = tx.all(narrowed(span, project, filters))[0]
    width = _width(whole.last - whole.first, bins) if whole.events else _WIDTHS_S[0]
    place = (_at // (width * 1_000_000)).label("place")
    rows = tx.all(narrowed(select(place, _events), project, filters).group_by("place").order_by("place"))
    return Tally(
        events=whole.events,
        bin_s=width,
        bins=[TallyBin(start=instant_of(row.place * width * 1_000_000), events=row.events) for row in rows],
        verbs=_by(tx, _verb, project, {**filters, "verb": None}),
        actors=_by(tx, _actor, project, {**filters, "actor": None}),
    )


def _by(tx: Tx, column: Any, project: str, filters: Mapping[str, Any]) -> dict[str, int]:
    query = narrowed(select(column.label("name"), _events), project, filters).group_by(column).order_by(_events.desc(), column)
    return {row.name: row.events for row in tx.all(query)}


def _width(span_us: int, bins: int) -> int:
    wanted = span_us / 1_000_000 / bins
    return next((width for width in _WIDTHS_S if width >= wanted), _WIDTHS_S[-1])
