"""The owner of rows that belong either to a run or to a candidate, as one text."""

from __future__ import annotations

_CANDIDATE = "candidate:"


def owner_of_candidate(candidate: str) -> str:
    """The owner id of a candidate.

    >>> candidate_of(owner_of_candidate("m-1")), candidate_of("run-1")
    ('m-1', None)
    """
    return _CANDIDATE + candidate


def candidate_of(holder: str) -> str | None:
    """The candidate of an owner id; None if it is a run's."""
    return holder.removeprefix(_CANDIDATE) if holder.startswith(_CANDIDATE) else None
