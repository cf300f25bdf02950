"""The program: versions, and the optional packages that this store uses."""

from __future__ import annotations

import platform
import sqlite3
import sys
from collections.abc import Iterator

from ostinato.access.oidc import Provider
from ostinato.kernel.errors import Invalid, MissingExtra, NotFound
from ostinato.kernel.settings import Settings
from ostinato.maintenance.checks.check import CheckedStore, Fault, problem, warning
from ostinato.registry import overview
from ostinato.registry.flavor import FLAVORS
from ostinato.registry.sandbox.probe import WANTS
from ostinato.storage.blobs.chosen import shelf_of
from ostinato.storage.web import networks_of

_PYTHON_MIN = (3, 11)
_SQLITE_MIN = (3, 35, 0)


def versions(checked: CheckedStore) -> Iterator[Fault]:  # noqa: ARG001 — the shape of a check
    """Python and SQLite are new enough."""
    if sys.version_info < _PYTHON_MIN:
        yield problem(f"Python {platform.python_version()} is too old", f"use Python {'.'.join(map(str, _PYTHON_MIN))} or newer")
    if sqlite3.sqlite_version_info < _SQLITE_MIN:
        mend = f"use a Python with SQLite {'.'.join(map(str, _SQLITE_MIN))} or newer, or keep the rows in PostgreSQL"
        yield problem(f"SQLite {sqlite3.sqlite_version} is too old: it lacks RETURNING", mend)


def settings(checked: CheckedStore) -> Iterator[Fault]:
    """The settings make sense, and the packages that they ask for are installed."""
    given = checked.settings
    for read in (_blobs, Provider.of, _networks):
        try:
            read(given)
        except MissingExtra as error:
            yield problem(f"OSTINATO_BLOBS_URL is set, but {error.message}", error.hint)
        except Invalid as error:
            yield problem(error.message, error.hint or f"mend OSTINATO_{error.field.upper()}")


def _blobs(given: Settings) -> None:
    if given.blobs_url:
        shelf_of(given)


def _networks(given: Settings) -> None:
    for name in ("sink_networks", "oidc_networks", "proxies"):
        networks_of(getattr(given, name), name)


def extras(checked: CheckedStore) -> Iterator[Fault]:
    """The packages that the store's models need are installed."""
    for flavor in checked.rows.read(overview.flavors):
        if (error := _lacking(flavor)) is not None:
            mend = error.hint or "install the package that brings this flavor"
            yield problem(f"models of the flavor {flavor} cannot be loaded: {error.message}", mend)


def _lacking(flavor: str) -> MissingExtra | NotFound | None:
    try:
        FLAVORS.make(flavor).dump(None)
    except (MissingExtra, NotFound) as error:
        return error
    except Exception:  # there is nothing to dump; whether the package is there shows before
        return None
    return None


def sandbox(checked: CheckedStore) -> Iterator[Fault]:
    """If the store allows models that may run code, the guards of the sandbox work."""
    given = checked.settings
    if not given.code_flavors:
        return
    waived = [guard.strip() for guard in given.sandbox_without.split(",")]
    for guard in (guard for guard, stands in checked.guards.items() if not stands):
        if guard in waived:
            what = f"models of {given.code_flavors} are loaded without the guard {guard}"
            yield warning(what, f"it takes {WANTS[guard]}; then leave it out of OSTINATO_SANDBOX_WITHOUT")
        else:
            what = f"models of {given.code_flavors} cannot be loaded: the guard {guard} does not stand here"
            yield problem(what, f"it takes {WANTS[guard]}; OSTINATO_SANDBOX_WITHOUT={guard} does without it")
