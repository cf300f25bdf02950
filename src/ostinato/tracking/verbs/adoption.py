"""The verbs of Runs that import what another store recorded, unchanged.

An adopted thing keeps its id and its story: who started it, when, with what. That it came from elsewhere, and who brought it, is an event
here. Until all that it has has arrived, it looks like what it would be if that never came: a run that failed to arrive.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import msgspec
from sqlalchemy import Boolean, Column, Table, Text, delete, insert, select, update

from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.digest import canonical, digest_of
from ostinato.kernel.errors import Conflict, Invalid
from ostinato.kernel.instant import micros_of
from ostinato.kernel.ref import Ref
from ostinato.kernel.signature import to_wire
from ostinato.ledger.service import Ledger
from ostinato.storage.blobs.blobs import Blobs
from ostinato.storage.rows.rows import Rows, Tx, metadata
from ostinato.storage.series.series import Series
from ostinato.tracking import store
from ostinato.tracking.candidate_tables import candidate_table, measure_table
from ostinato.tracking.lookup import check_part, checked_name
from ostinato.tracking.owner_id import owner_of_candidate
from ostinato.tracking.tombstones import check_tombstone
from ostinato.tracking.types import Candidate, Environment, Experiment, Run
from ostinato.tracking.verbs.experiments import checked_note, experiment_table, find_experiment, known_experiment

ARRIVING = "it did not arrive as a whole yet: import its archive again"
"""The error of an adopted run until all that it has is there."""

adoption_table = Table(
    "tracking_adoption",
    metadata,
    Column("project", Text, primary_key=True),
    Column("holder", Text, primary_key=True),
    Column("record", Text, nullable=False),
    Column("archive", Text, nullable=False),
    Column("whole", Boolean, nullable=False),
)
"""What was adopted: of which record, by its digest, from which archive. The holder is the id of a run, or `candidate:` and an id."""
_a, _c, _e = adoption_table.c, candidate_table.c, experiment_table.c


class Adoptions:
    """A mixin of Runs, which sets the attributes that are annotated here."""

    _rows: Rows
    _blobs: Blobs
    _series: Series
    _ledger: Ledger
    _clock: Clock

    def adopt_experiment(self, record: Experiment, archive: str) -> Experiment:
        """Import an experiment from the archive with this digest; an existing one with its id is returned as it is.

        Raises:
            Conflict: another experiment has its name, or it is here and was deleted.
        """
        Ref("experiment", record.id)
        row = {"id": record.id, "name": checked_name(record.name), "tags": record.tags, "note": checked_note(record.note)}

        def change(tx: Tx) -> Experiment:
            known = known_experiment(tx, record.id)
            if known is None:
                if (other := known_experiment(tx, record.name)) is not None:
                    hint = f"rename the one that is here: runs.rename_experiment({record.name!r}, …), or import into another project"
                    raise Conflict(f"there is another experiment {record.name!r} here: {other[0]}", hint=hint)
                when = {"created_at": record.created_at, "created_by": record.created_by, "changed_at": record.changed_at}
                tx.execute(insert(experiment_table), row | when | {"project": caller().project, "formerly": [], "deleted_at": None})
                self._ledger.append(tx, "experiment.adopted", Ref("experiment", record.id), data={"archive": archive})
            elif known[2] is not None:
                raise Conflict(f"the experiment {known[1]!r} was deleted here", hint="restore it, or purge it, first")
            return find_experiment(tx, record.id)

        return self._rows.write(change)

    def adopt(self, record: Run, archive: str, environment: Environment | None = None, whole: bool = False) -> bool:
        """Import a run that ended in another store, from the archive with this digest. Returns whether it is already complete here.

        First it is made, so that points, files and sources can be added. `whole` says that all of it is here, and makes it what it was.
        Its experiment is here already. A repeat changes nothing.

        Raises:
            Conflict: there is another run of this id, this one was adopted from another record, or was deleted while it arrived.
            Invalid: the run has not ended, was deleted, or is part of itself.
            NotFound: there is no such experiment.
        """
        if record.ended_at is None or record.deleted_at is not None:
            raise Invalid(f"run {record.id} goes on, or was deleted", hint="only runs that have ended are taken in", field="record")
        Ref("run", record.id)
        digest = _digest(record)
        kept = replace(record, environment=self._blobs.put(canonical(asdict(environment))).digest if environment else None)

        def change(tx: Tx) -> bool:
            of = find_experiment(tx, record.experiment_id)
            made = replace(kept, experiment=of.name, recorded_at=self._clock.now())
            there = _adopted(tx, record.id, digest)
            if there is None:
                if store.exists(tx, caller().project, record.id):
                    raise _other("run", record.id)
                check_part(tx, record.id, record.parent)
                check_tombstone(tx, record.id)
                store.add(tx, caller().project, replace(made, state="failed", error=ARRIVING, amendable=True), None)
                _note(tx, record.id, digest, archive)
            if not there and whole:
                known = store.one(tx, caller().project, record.id)
                if known is None:
                    raise Conflict(f"run {record.id} was purged while it arrived", hint="import the archive again")
                if known.deleted_at is not None:
                    raise Conflict(f"run {record.id} was deleted while it arrived", hint="restore it, or purge it, and import again")
                store.change(tx, caller().project, known, replace(made, recorded_at=known.recorded_at))
                self._record_adoption(tx, made, archive)
                _arrived(tx, record.id)
            return bool(there)

        there = self._rows.write(change)
        if whole and not there:
            self._series.compact(caller().project, record.id, ended=True)
        return there or whole

    def adopt_candidate(self, record: Candidate, archive: str, whole: bool = False) -> bool:
        """Import a candidate with its metrics, as `adopt` does a run; its run or experiment must exist here.

        Raises:
            Conflict: there is another candidate of this id.
        """
        Ref("candidate", record.id)
        holder, digest = owner_of_candidate(record.id), _digest(record)

        def change(tx: Tx) -> bool:
            project = caller().project
            there = _adopted(tx, holder, digest)
            final = {"state": record.state, "message": record.message, "changed_at": record.changed_at}
            if there is None:
                if tx.first(select(_c.id).where(_c.project == project, _c.id == record.id)) is not None:
                    raise _other("candidate", record.id)
                check_tombstone(tx, holder)
                row: dict[str, Any] = {name: getattr(record, name, None) for name in _c.keys()}  # noqa: SIM118 — not a dict
                experiment = find_experiment(tx, record.experiment_id).id
                row |= {"project": project, "experiment_id": experiment, "state": "pending", "message": ARRIVING, "deleted_at": None}
                tx.execute(insert(candidate_table), row)
                if rows := [_measure(project, record.id, measure) for measure in record.measures]:
                    tx.execute(insert(measure_table), rows)
                _note(tx, holder, digest, archive)
            if not there and whole:
                tx.execute(update(candidate_table).where(_c.project == project, _c.id == record.id).values(**final))
                made_by = () if record.run is None else (Ref("run", record.run),)
                self._ledger.append(tx, "candidate.adopted", record.ref, inputs=made_by, outputs=(record.ref,), data={"archive": archive})
                _arrived(tx, holder)
            return bool(there)

        return self._rows.write(change) or whole

    def _record_adoption(self, tx: Tx, made: Run, archive: str) -> None:
        data = {"archive": archive, "experiment": made.experiment_id}
        self._ledger.append(tx, "run.adopted", made.ref, inputs=tuple(made.inputs), outputs=(made.ref,), data=data)
        if made.outputs:
            self._ledger.append(tx, "run.linked", made.ref, inputs=(made.ref,), outputs=tuple(made.outputs))


def forget(tx: Tx, holders: list[str]) -> None:
    """Delete the adoption records of what is purged."""
    tx.execute(delete(adoption_table).where(_a.project == caller().project, _a.holder.in_(holders)))


def _digest(record: Run | Candidate) -> str:
    return digest_of(msgspec.to_builtins(record, enc_hook=to_wire))


def _adopted(tx: Tx, holder: str, record: str) -> bool | None:
    """Whether all of an adopted thing is here; None if it was not adopted.

    Raises:
        Conflict: what was adopted under this id was another thing.
    """
    row = tx.first(select(adoption_table).where(_a.project == caller().project, _a.holder == holder))
    if row is not None and row.record != record:
        raise Conflict(
            f"{holder} was adopted from another record, in the archive {row.archive}", hint="delete and purge it, to take this one"
        )
    return None if row is None else bool(row.whole)


def _note(tx: Tx, holder: str, record: str, archive: str) -> None:
    row: Mapping[str, Any] = {"holder": holder, "record": record, "archive": archive, "whole": False}
    tx.execute(insert(adoption_table), {"project": caller().project, **row})


def _arrived(tx: Tx, holder: str) -> None:
    tx.execute(update(adoption_table).where(_a.project == caller().project, _a.holder == holder).values(whole=True))


def _measure(project: str, candidate: str, measure: Any) -> dict[str, Any]:
    value = float(measure.value)
    return {
        "project": project, "candidate": candidate, "key": measure.key, "dataset_name": measure.dataset_name,
        "dataset_digest": measure.dataset_digest, "step": measure.step, "at": micros_of(measure.at), "run": measure.run,
        "value": None if value != value else value,  # NaN is NULL
    }  # fmt: skip


def _other(kind: str, name: str) -> Conflict:
    hint = f"delete and purge the {kind} that is here, or import into another project"
    return Conflict(f"there is a {kind} {name} here that is another one", hint=hint)
