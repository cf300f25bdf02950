"""Lookup of a run by id, and the checks of its state and of new values."""

from __future__ import annotations

from typing import TypeVar

from ostinato.kernel.caller import caller
from ostinato.kernel.errors import Conflict, Invalid, NotFound, TooLarge
from ostinato.storage.rows.rows import Tx
from ostinato.tracking import store
from ostinato.tracking.types import Run, Scalar, scalar

_NAME_MAX = 500
VALUES_MAX = 10_000
"""Parameters, and tags, of one run."""
T = TypeVar("T")


def find_run(tx: Tx, run: str) -> Run:
    """The run of the caller's project with this id.

    Raises:
        NotFound: there is none.
    """
    found = store.one(tx, caller().project, run)
    if found is None:
        raise unknown_run(run)
    return found


def check_part(tx: Tx, run: str, parent: str | None) -> None:
    """Refuse a new run that would be part of itself: an imported run may be part of it before it is here.

    Raises:
        Invalid: `parent` is the run, or part of it at some depth.
    """
    project, passed = caller().project, set[str]()
    above = parent if parent == run or store.has_parts(tx, project, run) else None
    while above is not None and above not in passed:
        if above == run:
            raise Invalid(f"run {run} would be part of itself", hint="name a parent that is no part of it, or none", field="parent")
        passed.add(above)
        above = store.parent(tx, project, above)


def require_active(tx: Tx, run: str) -> None:
    """Refuse a run that has ended or was deleted; one whose process was given up may go on if it comes back.

    Raises:
        NotFound: there is no such run.
        Conflict: it has ended, or was deleted.
    """
    going = store.going(tx, caller().project, run)
    if going is None:
        raise unknown_run(run)
    if going != "open":
        raise ended_error(run) if going == "over" else deleted_error(run)


def unknown_run(run: str) -> NotFound:
    """The error for a run that is not there."""
    return NotFound(f"no run {run!r}", hint="runs.search() lists the runs of this project")


def ended_error(run: str) -> Conflict:
    """The error for a run that has ended."""
    return Conflict(f"run {run} has ended", hint="start another run, or resume this one")


def deleted_error(run: str) -> Conflict:
    """The error for a run that was deleted."""
    return Conflict(f"run {run} was deleted", hint="restore it first")


def checked_name(name: str) -> str:
    """The name of an experiment, a run or a view, if it is one."""
    if not name.strip() or len(name) > _NAME_MAX or not name.isprintable():
        raise Invalid(f"not a name: {name[:100]!r}", hint=f"1 to {_NAME_MAX} printable characters", field="name")
    return name


def merged_params(whose: str, params: dict[str, Scalar], more: dict[str, Scalar]) -> dict[str, Scalar]:
    """Parameters and more of them.

    Raises:
        Conflict: one would change.
        TooLarge: they would be too many.
    """
    given = {key: scalar(value) for key, value in more.items()}
    if changed := [key for key, value in given.items() if key in params and (type(params[key]), params[key]) != (type(value), value)]:
        raise Conflict(f"{', '.join(changed)} of {whose} would change", hint="start another run for other parameters")
    return _few(params | given, "parameters")


def merged_tags(tags: dict[str, str], more: dict[str, str | None]) -> dict[str, str]:
    """Tags merged with more, without those set to None.

    Raises:
        TooLarge: they would be too many.
    """
    return _few({key: value for key, value in (tags | more).items() if value is not None}, "tags")


def _few(values: dict[str, T], what: str) -> dict[str, T]:
    if len(values) > VALUES_MAX:  # each is a row: a million of them would keep all others from writing for a minute
        raise TooLarge(f"{len(values)} {what} of one run", hint=f"at most {VALUES_MAX}; put more of them into an artifact")
    return values
