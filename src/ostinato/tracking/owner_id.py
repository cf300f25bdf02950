"""The owner of rows that belong either to a run or to a candidate, as one text."""

from __future__ import annotations

_CANDIDATE = "candidate:"


def owner_of_candidate(candidate: str) -> str:
    """The holder that a candidate is.

    >>> candidate_of(owner_of_candidate("m-1")), candidate_of("run-1")
    ('m-1', None)
    """
    return _CANDIDATE + candidate


def candidate_of(holder: str) -> str | None:
    """The candidate that a holder is; None if it is a run."""
    return holder.removeprefix(_CANDIDATE) if holder.startswith(_CANDIDATE) else None
