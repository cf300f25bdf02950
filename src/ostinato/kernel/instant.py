"""Conversion of instants: to and from integer microseconds since 1970 (exact), and to and from text."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from ostinato.kernel.errors import Invalid

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


def instant_from(text: str, field: str = "") -> datetime:
    """The instant that a text names in ISO 8601, with its zone; a date alone is its midnight in UTC. `field` is where the text stood.

    >>> instant_from("2013-01-03").isoformat(), instant_from("2013-01-03T01:00+01:00").isoformat()
    ('2013-01-03T00:00:00+00:00', '2013-01-03T00:00:00+00:00')

    Raises:
        Invalid: it names none, or its zone is missing.
    """
    try:
        if len(text) <= _DATE_MAX:
            day = date.fromisoformat(text)
            return datetime(day.year, day.month, day.day, tzinfo=UTC)
        found = datetime.fromisoformat(text)
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid(f"{field or 'it'} is no instant of the years 1 to 9999: {text[:40]!r}", hint=WRITTEN, field=field) from None
    raise Invalid(f"{field or 'it'} has no time zone: {text[:40]!r}", hint=WRITTEN, field=field)


_DATE_MAX = len("2013-01-03")
WRITTEN = "write 2013-01-03T00:00:00Z, with an offset such as +01:00, or a date alone for its midnight in UTC"
"""What whoever wrote an instant otherwise is told."""
