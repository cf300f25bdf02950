"""The verbs of Runs on experiments."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Row,
    Select,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    func,
    insert,
    or_,
    select,
    type_coerce,
    update,
)

from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Conflict, Invalid, NotFound
from ostinato.kernel.ids import new_id
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.storage.rows.lease import at, silent
from ostinato.storage.rows.prepared import Prepared
from ostinato.storage.rows.rows import Instant, Json, Rows, Tx, metadata
from ostinato.tracking.lookup import checked_name
from ostinato.tracking.store import LEASES, run_table
from ostinato.tracking.types import Experiment, View
from ostinato.tracking.verbs.views import view_table

_NOTE_MAX = 1_000_000

experiment_table = Table(
    "tracking_experiment",
    metadata,
    Column("project", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("formerly", Json, nullable=False),
    Column("tags", Json, nullable=False),
    Column("note", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("deleted_at", Instant),
    UniqueConstraint("project", "name"),
)
_r = run_table.c
_e = experiment_table.c
Index("tracking_run_going", _r.project, _r.experiment, sqlite_where=_r.ended_at.is_(None))

_insert = Prepared(insert(experiment_table))
_known = Prepared(
    select(_e.id, _e.name, _e.deleted_at).where(
        _e.project == bindparam("project"), or_(_e.id == bindparam("said"), _e.name == bindparam("said"))
    )
)
_live = (_r.project == _e.project, _r.experiment == _e.name, _r.deleted_at.is_(None))
_going = (_r.ended_at.is_(None), _r.state != "scheduled", or_(_r.lease_s.is_(None), ~silent(_r)))
_runs = select(func.count()).where(*_live).correlate(experiment_table).scalar_subquery()
_running = select(func.count()).where(*_live, *_going).correlate(experiment_table).scalar_subquery()
_last = select(func.max(_r.started_at, type_=Instant)).where(*_live).correlate(experiment_table).scalar_subquery()
listed: Select[Any] = select(
    experiment_table,
    _runs.label("runs"),
    _running.label("running"),
    func.coalesce(type_coerce(_last, BigInteger), type_coerce(_e.created_at, BigInteger), type_=Instant).label("last_started_at"),
).where(_e.project == bindparam("project"))
"""Experiments with their counts; the query is given `project` and `at(moment)`."""


class Experiments:
    """A mixin of Runs, which sets the attributes that are annotated here."""

    _rows: Rows
    _ledger: Ledger
    _clock: Clock

    def create_experiment(self, name: str, id: str | None = None, tags: dict[str, str] | None = None, note: str = "") -> Experiment:
        """Create an experiment before its first run. Idempotent.

        Raises:
            Conflict: there is one of that name, deleted or with other tags, note or id.
            Invalid: the name is empty, longer than 500 characters, or not printable.
        """

        def change(tx: Tx) -> Experiment:
            known = known_experiment(tx, name)
            if known is None and id is not None:
                known = known_experiment(tx, id)
            if known is None:
                made = add(tx, checked_name(name), self._clock.now(), id, tags or {}, checked_note(note))
                self._ledger.append(tx, "experiment.created", Ref("experiment", made), data={"name": name})
                return find_experiment(tx, made)
            found = find_experiment(tx, known[0])
            if found.deleted_at is not None:
                raise _gone(found.name)
            if (found.name, found.tags, found.note) != (name, tags or {}, note) or id not in (None, found.id):
                raise Conflict(f"there is an experiment {found.name!r} already", hint="use another name, or change_experiment")
            return found

        return self._rows.write(change)

    def experiments(self, view: View = "active") -> list[Experiment]:
        """All experiments, by name; deleted ones only if `view` asks for them."""

        def query(tx: Tx) -> list[Experiment]:
            asked = listed.where(*seen(_e.deleted_at, view)).order_by(_e.name)
            return [read(row) for row in tx.all(asked, {"project": caller().project, **at(LEASES.now(tx))})]

        return self._rows.read(query)

    def experiment(self, experiment: str) -> Experiment:
        """The experiment with this id or name, deleted or not.

        Raises:
            NotFound: there is none.
        """
        return self._rows.read(lambda tx: find_experiment(tx, experiment))

    def change_experiment(self, experiment: str, tags: dict[str, str | None] | None = None, note: str | None = None) -> Experiment:
        """Set tags, or remove those set to None, and give it another note, in Markdown.

        Raises:
            NotFound: there is no such experiment.
            Conflict: it was deleted.
        """

        def changed(known: Experiment) -> Experiment:
            kept = {key: value for key, value in (known.tags | (tags or {})).items() if value is not None}
            return replace(known, tags=kept, note=known.note if note is None else checked_note(note))

        data = {"tags": sorted(tags or {})} | ({} if note is None else {"note": True})
        return self._change_experiment(experiment, changed, "experiment.changed", data)

    def rename_experiment(self, experiment: str, name: str) -> Experiment:
        """Rename an experiment; its runs and saved views follow.

        Raises:
            NotFound: there is no such experiment.
            Conflict: it was deleted, or there is another of that name.
        """
        project = caller().project

        def change(tx: Tx) -> Experiment:
            known, other = active_experiment(tx, experiment), known_experiment(tx, checked_name(name))
            if known.name == name:
                return known
            if other is not None and other[0] != known.id:
                raise Conflict(f"there is an experiment {name!r} already", hint="use another name; purged, a deleted one is free")
            _update(tx, replace(known, name=name, changed_at=self._clock.now()))
            formerly = sorted({*former_names(tx, known.id), known.name})
            tx.execute(update(experiment_table).where(_e.project == project, _e.id == known.id).values(formerly=formerly))
            tx.execute(update(run_table).where(_r.project == project, _r.experiment == known.name).values(experiment=name))
            views = update(view_table).where(view_table.c.project == project, view_table.c.experiment == known.name)
            tx.execute(views.values(experiment=name))
            self._ledger.append(tx, "experiment.renamed", known.ref, data={"name": name, "before": known.name})
            return find_experiment(tx, known.id)

        return self._rows.write(change)

    def delete_experiment(self, experiment: str) -> Experiment:
        """Delete an experiment with its runs. Until it is purged, it can be restored and its name stays taken.

        Raises:
            NotFound: there is no such experiment.
        """
        project, now = caller().project, self._clock.now()

        def change(tx: Tx) -> Experiment:
            known = find_experiment(tx, experiment)
            if known.deleted_at is None:
                _update(tx, replace(known, deleted_at=now, changed_at=now))
                whose = (_r.project == project, _r.experiment == known.name, _r.deleted_at.is_(None))
                tx.execute(update(run_table).where(*whose).values(deleted_at=now, deleted_with=known.id))
                self._ledger.append(tx, "experiment.deleted", known.ref, data={"name": known.name, "runs": known.runs})
            return find_experiment(tx, known.id)

        return self._rows.write(change)

    def restore_experiment(self, experiment: str) -> Experiment:
        """Restore a deleted experiment, with the runs that were deleted with it.

        Raises:
            NotFound: there is no such experiment.
        """
        project = caller().project

        def change(tx: Tx) -> Experiment:
            known = find_experiment(tx, experiment)
            if known.deleted_at is not None:
                _update(tx, replace(known, deleted_at=None, changed_at=self._clock.now()))
                whose = (_r.project == project, _r.experiment == known.name, _r.deleted_with == known.id)
                tx.execute(update(run_table).where(*whose).values(deleted_at=None, deleted_with=None))
                self._ledger.append(tx, "experiment.restored", known.ref, data={"name": known.name})
            return find_experiment(tx, known.id)

        return self._rows.write(change)

    def _change_experiment(self, experiment: str, change: Any, verb: str, data: dict[str, Any]) -> Experiment:
        def write(tx: Tx) -> Experiment:
            known = active_experiment(tx, experiment)
            changed = change(known)
            if changed == known:
                return known
            _update(tx, replace(changed, changed_at=self._clock.now()))
            self._ledger.append(tx, verb, known.ref, data=data)
            return find_experiment(tx, known.id)

        return self._rows.write(write)


def belonging(tx: Tx, experiment: str, now: datetime) -> tuple[str, str, bool]:
    """The id and the name of the experiment for a run, and whether it was made for it.

    Raises:
        Conflict: it was deleted.
    """
    known = known_experiment(tx, experiment)
    if known is None:
        return add(tx, checked_name(experiment), now), experiment, True
    id_, name, deleted_at = known
    if deleted_at is not None:
        raise _gone(name)
    return id_, name, False


def known_experiment(tx: Tx, said: str) -> tuple[str, str, datetime | None] | None:
    """The id and the name of the experiment that is called so, by id or by name, and when it was deleted."""
    found = tx.fetch(_known, {"project": caller().project, "said": said})
    return found[0] if found else None


def former_names(tx: Tx, id_: str) -> list[str]:
    """The names that the experiment with this id had before."""
    found = tx.first(select(_e.formerly).where(_e.project == caller().project, _e.id == id_))
    return list(found.formerly) if found else []


def find_experiment(tx: Tx, said: str) -> Experiment:
    """The experiment that is called so, by id or by name.

    Raises:
        NotFound: there is none.
    """
    asked = listed.where(or_(_e.id == said, _e.name == said))
    row = tx.first(asked, {"project": caller().project, **at(LEASES.now(tx))})
    if row is None:
        names = tx.all(select(_e.name).where(_e.project == caller().project).limit(1000))
        raise NotFound.named("experiment", said, [found.name for found in names])
    return read(row)


def active_experiment(tx: Tx, said: str) -> Experiment:
    """The experiment that is called so, by id or by name, and is there to be added to.

    Raises:
        NotFound: there is none.
        Conflict: it was deleted.
    """
    found = find_experiment(tx, said)
    if found.deleted_at is not None:
        raise _gone(found.name)
    return found


def add(tx: Tx, name: str, now: datetime, id: str | None = None, tags: dict[str, str] | None = None, note: str = "") -> str:
    """Insert an experiment; returns its id."""
    made = Ref("experiment", id or new_id()).name
    row = {"project": caller().project, "id": made, "name": name, "tags": tags or {}, "note": note, "deleted_at": None}
    tx.run(_insert, row | {"formerly": [], "created_at": now, "created_by": caller().actor, "changed_at": now})
    return made


def read(row: Row[Any]) -> Experiment:
    """The experiment of a row of `listed`."""
    return Experiment(
        name=row.name, runs=row.runs, running=row.running, last_started_at=row.last_started_at, id=row.id, note=row.note, tags=row.tags,
        created_at=row.created_at, created_by=row.created_by, changed_at=row.changed_at, deleted_at=row.deleted_at,
    )  # fmt: skip


def seen(deleted_at: Any, view: View) -> list[Any]:
    """The condition that a view puts on things that were deleted then."""
    if view not in ("active", "deleted", "all"):
        raise Invalid(f"no view {view!r}", hint="active, deleted or all", field="view")
    return [] if view == "all" else [deleted_at.is_(None) if view == "active" else deleted_at.is_not(None)]


def checked_note(note: str) -> str:
    """A note, if it is not too long."""
    if len(note) > _NOTE_MAX:
        raise Invalid(f"a note of {len(note)} characters", hint=f"at most {_NOTE_MAX}; keep longer texts as artifacts", field="note")
    return note


def _update(tx: Tx, changed: Experiment) -> None:
    columns = {name: getattr(changed, name) for name in ("name", "tags", "note", "changed_at", "deleted_at")}
    tx.execute(update(experiment_table).where(_e.project == caller().project, _e.id == changed.id).values(**columns))


def _gone(name: str) -> Conflict:
    return Conflict(f"the experiment {name!r} was deleted", hint="restore it, or use another name; purged, its name is free")
