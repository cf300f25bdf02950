"""The verbs of Runs on candidates: models that runs make, before any becomes a registered version."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Row, Select, bindparam, insert, select, update

from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Conflict, Invalid, NotFound
from ostinato.kernel.ids import new_id
from ostinato.kernel.instant import instant_of
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.storage.rows.prepared import Prepared
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.storage.series.points import Points
from ostinato.tracking import store
from ostinato.tracking.candidate_tables import candidate_table, measure_table
from ostinato.tracking.lookup import checked_name, merged_params, merged_tags, unknown_run
from ostinato.tracking.owner_id import owner_of_candidate
from ostinato.tracking.paths import checked_path
from ostinato.tracking.tombstones import check_tombstone
from ostinato.tracking.types import Artifact, Candidate, CandidateState, Measure, MetricFrame, Scalar, number, scalar
from ostinato.tracking.verbs.artifacts import Artifacts
from ostinato.tracking.verbs.experiments import belonging, experiment_table

_c, _m = candidate_table.c, measure_table.c
_insert = Prepared(insert(candidate_table))
_measure = Prepared(insert(measure_table), missing=True)
listed: Select[Any] = (
    select(candidate_table, experiment_table.c.name.label("experiment"))
    .join(experiment_table, (experiment_table.c.project == _c.project) & (experiment_table.c.id == _c.experiment_id))
    .where(_c.project == bindparam("project"))
)
_KEPT = ("name", "step", "state", "message", "type", "params", "tags", "changed_at", "deleted_at")


class Candidates(Artifacts):
    """A mixin of Runs, which sets the attributes that are annotated here."""

    _rows: Rows
    _ledger: Ledger
    _clock: Clock

    def add_candidate(
        self,
        name: str,
        run: str | None = None,
        experiment: str | None = None,
        id: str | None = None,
        type: str = "",
        params: dict[str, Scalar] | None = None,
        tags: dict[str, str] | None = None,
        step: int | None = None,
    ) -> Candidate:
        """Add a candidate: a model made by a run, or brought into an experiment. It is pending until it is declared ready.

        With the `id` of one that is there, from the same run, it is given back.

        Raises:
            NotFound: there is no such run.
            Conflict: the id is that of a candidate of another run or name, or the experiment was deleted.
        """
        project, now = caller().project, self._clock.now()

        def change(tx: Tx) -> Candidate:
            known = _find(tx, id) if id is not None else None
            if known is not None:
                if (known.run, known.name) != (run, name):
                    raise Conflict(f"{id} is the candidate {known.name!r} of run {known.run}", hint="use another id")
                return known
            if id is not None:
                check_tombstone(tx, owner_of_candidate(id))
            of = store.one(tx, project, run) if run is not None else None
            if run is not None and of is None:
                raise unknown_run(run)
            if of is None and experiment is None:
                raise Invalid("a candidate is of a run or of an experiment", field="run")
            experiment_id, experiment_name, _ = belonging(tx, of.experiment_id if of else str(experiment), now)
            made = Candidate(
                id=Ref("candidate", id or new_id()).name, name=checked_name(name), experiment=experiment_name, experiment_id=experiment_id,
                run=run, step=step, state="pending", message="", type=type, params={k: scalar(v) for k, v in (params or {}).items()},
                tags=dict(tags or {}), created_at=now, created_by=caller().actor, changed_at=now, deleted_at=None,
            )  # fmt: skip
            tx.run(_insert, {**{column: getattr(made, column, None) for column in _c.keys()}, "project": project})  # noqa: SIM118
            inputs = () if run is None else (Ref("run", run),)
            self._ledger.append(tx, "candidate.added", made.ref, inputs=inputs, outputs=(made.ref,), data=_gist(made))
            return made

        return self._rows.write(change)

    def candidate(self, candidate: str) -> Candidate:
        """The candidate with this id, deleted or not, with its metrics.

        Raises:
            NotFound: there is none.
        """

        def query(tx: Tx) -> Candidate:
            found = _found(tx, candidate)
            return measured(tx, [found])[0]

        return self._rows.read(query)

    def candidate_steps(self, candidates: Sequence[str]) -> dict[str, int]:
        """At which step of its run each of at most 1000 candidates was left, of those of which it was said. In process only."""
        asked = select(_c.id, _c.step).where(_c.project == caller().project, _c.id.in_(candidates), _c.step.is_not(None))
        return {row.id: int(row.step) for row in self._rows.read(lambda tx: tx.all(asked))} if candidates else {}

    def change_candidate(
        self,
        candidate: str,
        state: CandidateState | None = None,
        message: str | None = None,
        tags: dict[str, str | None] | None = None,
        params: dict[str, Scalar] | None = None,
        step: int | None = None,
    ) -> Candidate:
        """Say that a candidate is ready or failed, set tags (or remove those set to None), add parameters, say at which step it was left.

        Raises:
            Conflict: a parameter has another value already, or the candidate was deleted.
        """

        def changed(known: Candidate) -> Candidate:
            more = replace(
                known, state=state or known.state, message=known.message if message is None else message,
                step=known.step if step is None else step, tags=merged_tags(known.tags, tags or {}),
            )  # fmt: skip
            return replace(more, params=merged_params(f"candidate {candidate}", known.params, params or {}))

        return self._change_candidate(candidate, changed, "changed")

    def delete_candidate(self, candidate: str) -> Candidate:
        """Delete a candidate: lists leave it out until it is restored or purged."""
        return self._change_candidate(candidate, lambda known: replace(known, deleted_at=known.deleted_at or self._clock.now()), "deleted")

    def restore_candidate(self, candidate: str) -> Candidate:
        """Bring back a deleted candidate."""
        return self._change_candidate(candidate, lambda known: replace(known, deleted_at=None), "restored")

    def put_candidate_artifact(self, candidate: str, path: str, content: bytes) -> Artifact:
        """Store a file of a candidate; until the candidate is ready, it replaces an earlier one.

        Raises:
            Conflict: the candidate was deleted, or is ready and has no such file of the same content.
            Invalid: the path is not relative, or leaves the candidate.
        """
        return self.keep_candidate_artifact(candidate, path, self._blobs.put(content))

    def put_candidate_artifact_sent(self, candidate: str, path: str, upload: str, size: int) -> Artifact:
        """Store an upload that was sent in parts, `size` bytes in all, as a file; otherwise like `put_candidate_artifact`.

        Raises:
            NotFound: nothing of the upload has arrived, or it was forgotten, a day after its last part.
            Conflict: a part is missing, or the candidate was deleted.
        """
        self._rows.read(lambda tx: _open(tx, candidate))
        return self.keep_candidate_artifact(candidate, path, self._uploads.finish(upload, size))

    def keep_candidate_artifact(self, candidate: str, path: str, blob: Any) -> Artifact:
        """Store an existing blob as a file."""
        return self._keep(owner_of_candidate(candidate), checked_path(path), blob, lambda tx: _open(tx, candidate))

    def candidate_artifacts(self, candidate: str) -> list[Artifact]:
        """The files of a candidate, by path."""

        def query(tx: Tx) -> list[Artifact]:
            _found(tx, candidate)
            return store.artifacts(tx, caller().project, owner_of_candidate(candidate))

        return self._rows.read(query)

    def candidate_artifact(self, candidate: str, path: str, start: int = 0, size: int | None = None) -> bytes:
        """The content of a file of a candidate, or `size` bytes of it from `start` on."""
        return self._opened(self.candidate_artifacts(candidate), path, start, size)

    def _change_candidate(self, candidate: str, change: Any, done: str) -> Candidate:
        def write(tx: Tx) -> Candidate:
            known = _found(tx, candidate)
            if known.deleted_at is not None and done == "changed":
                raise _gone(candidate)
            changed: Candidate = change(known)
            if changed == known:
                return known
            kept = replace(changed, changed_at=self._clock.now())
            whose = (_c.project == caller().project, _c.id == candidate)
            tx.execute(update(candidate_table).where(*whose).values(**{name: getattr(kept, name) for name in _KEPT}))
            self._ledger.append(tx, f"candidate.{done}", kept.ref, data=_gist(kept))
            return kept

        return self._rows.write(write)


def keep_measures(tx: Tx, run: str, frame: MetricFrame, points: Points) -> None:
    """Note points of a run as measured of the candidate of the frame.

    Raises:
        NotFound: there is no such candidate.
        Conflict: it was deleted.
    """
    if _found(tx, frame.candidate).deleted_at is not None:
        raise _gone(frame.candidate)
    of = {"project": caller().project, "candidate": frame.candidate, "run": run}
    of |= {"dataset_name": frame.dataset_name, "dataset_digest": frame.dataset_digest}
    columns = zip(points.key.tolist(), points.step.tolist(), points.at.tolist(), points.value.tolist(), strict=True)
    said = [
        {**of, "key": points.keys[key], "step": step, "at": at, "value": None if math.isnan(value) else value}
        for key, step, at, value in columns
    ]
    if said:
        tx.run(_measure, said)


def measured(tx: Tx, found: Sequence[Candidate]) -> list[Candidate]:
    """Candidates with what was measured of them."""
    whose = (_m.project == caller().project, _m.candidate.in_([candidate.id for candidate in found]))
    measures: dict[str, list[Measure]] = {candidate.id: [] for candidate in found}
    for row in tx.all(select(measure_table).where(*whose).order_by(_m.candidate, _m.key, _m.step, _m.at)):
        value = number(math.nan if row.value is None else row.value)
        named = {"dataset_name": row.dataset_name, "dataset_digest": row.dataset_digest}
        measures[row.candidate].append(Measure(key=row.key, value=value, step=row.step, at=instant_of(row.at), run=row.run, **named))
    return [replace(candidate, measures=measures[candidate.id]) for candidate in found]


def all_candidates(tx: Tx, experiments: Sequence[str]) -> list[Candidate]:
    """The candidates of the experiments with these ids that were not deleted, with what was measured of them."""
    asked = listed.where(_c.experiment_id.in_(experiments), _c.deleted_at.is_(None))
    return measured(tx, [read(row) for row in tx.all(asked, {"project": caller().project})])


def read(row: Row[Any]) -> Candidate:
    """The candidate of a row of `listed`."""
    return Candidate(
        id=row.id, name=row.name, experiment=row.experiment, experiment_id=row.experiment_id, run=row.run, step=row.step, state=row.state,
        message=row.message, type=row.type, params=row.params, tags=row.tags, created_at=row.created_at, created_by=row.created_by,
        changed_at=row.changed_at, deleted_at=row.deleted_at,
    )  # fmt: skip


def _find(tx: Tx, candidate: str) -> Candidate | None:
    row = tx.first(listed.where(_c.id == candidate), {"project": caller().project})
    return read(row) if row else None


def _found(tx: Tx, candidate: str) -> Candidate:
    found = _find(tx, candidate)
    if found is None:
        raise NotFound(f"no candidate {candidate!r}", hint="runs.candidates() lists those of this project")
    return found


def _open(tx: Tx, candidate: str) -> None:
    found = _found(tx, candidate)
    if found.deleted_at is not None:
        raise _gone(candidate)
    if found.state == "ready":
        raise Conflict(f"candidate {candidate} is ready, and its files are fixed", hint="add another candidate")


def _gone(candidate: str) -> Conflict:
    return Conflict(f"candidate {candidate} was deleted", hint="restore it first")


def _gist(made: Candidate) -> dict[str, Any]:
    return {"experiment": made.experiment, "name": made.name, "state": made.state, "type": made.type}
