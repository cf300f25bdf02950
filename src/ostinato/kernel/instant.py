"""Instants as numbers: microseconds since 1970, exact both ways."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros_of(instant: datetime) -> int:
    """Microseconds since 1970 of an aware instant."""
    return (instant - _EPOCH) // _MICROSECOND


def instant_of(micros: int) -> datetime:
    """The instant that lies so many microseconds after 1970, in UTC.

    >>> instant_of(1_500_000).isoformat(), micros_of(instant_of(-1))
    ('1970-01-01T00:00:01.500000+00:00', -1)
    """
    return _EPOCH + micros * _MICROSECOND
