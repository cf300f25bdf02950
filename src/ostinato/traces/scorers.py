"""Scorers: the verbs of Traces that keep versions of what judges them."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import BigInteger, Column, Row, Table, Text, delete, func, insert, select, update

from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Conflict, Invalid, NotFound, TooLarge
from ostinato.kernel.ids import new_id
from ostinato.ledger.service import Ledger
from ostinato.storage.rows.rows import Instant, Rows, Tx, metadata
from ostinato.traces.review_types import Scorer
from ostinato.tracking.lookup import checked_name
from ostinato.tracking.verbs.experiments import active_experiment, find_experiment

scorer_table = Table(
    "traces_scorer",
    metadata,
    Column("project", Text, primary_key=True),
    Column("experiment", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("version", BigInteger, primary_key=True),
    Column("id", Text, nullable=False),
    Column("definition", Text),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Text, nullable=False),
)
"""A version that was dropped has no definition any more; so its number is not given again."""
_s = scorer_table.c
_SCORERS_MAX, _VERSIONS_MAX, _BYTES_MAX = 1_000, 10_000, 1 << 20


class Scorers:
    """A mixin of Traces, which sets the attributes that are annotated here."""

    _rows: Rows
    _ledger: Ledger
    _clock: Clock

    def register_scorer(self, experiment: str, name: str, definition: str, version: int | None = None) -> Scorer:
        """Store the next version of a scorer of an experiment, by its id or name; `definition` is JSON.

        With a `version` it gets that number, which must be the next; sent again, what was kept is given back.

        Raises:
            NotFound: there is no such experiment.
            Conflict: the version is there with another definition, or another is next.
        """
        _check(name, definition)

        def change(tx: Tx) -> Scorer:
            of = active_experiment(tx, experiment).id
            known = tx.all(_of(of).where(_s.name == name).order_by(_s.version))
            if version is not None and (same := [row for row in known if row.version == version and row.definition == definition]):
                return _read(same[0])
            following = known[-1].version + 1 if known else 1
            if version not in (None, following) or following > _VERSIONS_MAX:
                raise Conflict(
                    f"version {version or following} of {name!r} cannot be made", hint=f"the next is {following}, of {_VERSIONS_MAX}"
                )
            if not known and len(_latest(tx, of)) >= _SCORERS_MAX:
                raise Conflict(f"the experiment has {_SCORERS_MAX} scorers", hint="drop some")
            made = Scorer(
                id=known[0].id if known else new_id(), experiment=of, name=name, version=following, definition=definition,
                created_at=self._clock.now(), created_by=caller().actor,
            )  # fmt: skip
            row = {column: getattr(made, column) for column in _s.keys() if column != "project"}  # noqa: SIM118 — not a dict
            tx.execute(insert(scorer_table), {"project": caller().project, **row})
            self._ledger.append(tx, "scorer.registered", made.ref, data={"name": name, "experiment": of})
            return made

        return self._rows.write(change)

    def scorers(self, experiment: str) -> list[Scorer]:
        """The latest version of each scorer of an experiment, by its id or name; by their names.

        Raises:
            NotFound: there is no such experiment.
        """
        return self._rows.read(lambda tx: _latest(tx, find_experiment(tx, experiment).id))

    def scorer_versions(self, experiment: str, name: str) -> list[Scorer]:
        """The versions of a scorer, the first first.

        Raises:
            NotFound: there is no such experiment, or no such scorer.
        """
        return self._rows.read(lambda tx: _versions(tx, experiment, name))

    def scorer(self, experiment: str, name: str, version: int | None = None) -> Scorer:
        """A version of a scorer, the latest unless one is named.

        Raises:
            NotFound: there is no such experiment, scorer or version.
        """
        found = [one for one in self.scorer_versions(experiment, name) if version in (None, one.version)]
        if not found:
            raise _missing(experiment, name, version)
        return found[-1]

    def drop_scorer(self, experiment: str, name: str, version: int | None = None) -> None:
        """Delete a version of a scorer, or the scorer with all of them.

        Raises:
            NotFound: there is no such experiment, scorer or version.
        """

        def change(tx: Tx) -> None:
            found = [one for one in _versions(tx, experiment, name) if version in (None, one.version)]
            if not found:
                raise _missing(experiment, name, version)
            mine = (_s.project == caller().project, _s.experiment == found[0].experiment, _s.name == name)
            if version is None:
                tx.execute(delete(scorer_table).where(*mine))
            else:
                tx.execute(update(scorer_table).where(*mine, _s.version == version).values(definition=None))
            for one in found:
                self._ledger.append(tx, "scorer.dropped", one.ref, data={"name": name})

        self._rows.write(change)


def forget_scorers(tx: Tx, experiment: str) -> None:
    """Delete the scorers of an experiment that is purged."""
    tx.execute(delete(scorer_table).where(_s.project == caller().project, _s.experiment == experiment))


def _of(experiment: str) -> Any:
    return select(scorer_table).where(_s.project == caller().project, _s.experiment == experiment)


def _latest(tx: Tx, experiment: str) -> list[Scorer]:
    there = _of(experiment).where(_s.definition.is_not(None)).subquery()
    last = select(there.c.name, func.max(there.c.version).label("version")).group_by(there.c.name).subquery()
    found = select(there).join(last, (there.c.name == last.c.name) & (there.c.version == last.c.version)).order_by(there.c.name)
    return [_read(row) for row in tx.all(found)]


def _versions(tx: Tx, experiment: str, name: str) -> list[Scorer]:
    of = find_experiment(tx, experiment).id
    found = [_read(row) for row in tx.all(_of(of).where(_s.name == name, _s.definition.is_not(None)).order_by(_s.version))]
    if not found:
        raise _missing(experiment, name, None)
    return found


def _missing(experiment: str, name: str, version: int | None) -> NotFound:
    which = "" if version is None else f" and version {version}"
    return NotFound(f"Scorer with name '{name[:100]}'{which} not found for experiment {experiment[:100]}.")


def _read(row: Row[Any]) -> Scorer:
    return Scorer(**{name: value for name, value in row._mapping.items() if name != "project"})


def _check(name: str, definition: str) -> None:
    checked_name(name)
    if len(definition.encode()) > _BYTES_MAX:
        raise TooLarge(f"the definition of {name!r} is larger than 1 MiB", hint="keep what is large as an artifact, and name it")
    try:
        given = msgspec.json.decode(definition)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        given = None
    if not isinstance(given, dict) or "\0" in definition:
        raise Invalid(
            "the definition of a scorer must be valid JSON, an object", hint='{"name": "…", "instructions": "…"}', field="definition"
        )
