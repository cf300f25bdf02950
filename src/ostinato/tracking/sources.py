"""The verbs of Runs on data sources that are no datasets of the store."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, replace
from hashlib import blake2b

from sqlalchemy import Column, Index, Table, Text, insert, select

from ostinato.kernel.caller import caller
from ostinato.kernel.digest import canonical
from ostinato.kernel.errors import Invalid
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.storage.rows.prepared import Prepared
from ostinato.storage.rows.rows import Json, Rows, Tx, metadata
from ostinato.tracking.lookup import require_active
from ostinato.tracking.types import Source, Use

source_table = Table(
    "tracking_source",
    metadata,
    Column("project", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("schema", Text, nullable=False),
    Column("profile", Text, nullable=False),
    Index("tracking_source_name", "project", "name", "digest"),
)
use_table = Table(
    "tracking_use",
    metadata,
    Column("project", Text, primary_key=True),
    Column("run", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("context", Text, primary_key=True),
    Column("tags", Json, nullable=False),
    Index("tracking_use_source", "project", "source", "run", "context"),
    sqlite_with_rowid=False,
)
_s, _u = source_table.c, use_table.c
_add_source, _add_use = Prepared(insert(source_table), missing=True), Prepared(insert(use_table), missing=True)
_NAME_MAX = 500
_TEXT_MAX = 16 << 20
_ASKED_MAX = 1000


class Sources:
    """A mixin of Runs, which sets the attributes that are annotated here."""

    _rows: Rows
    _ledger: Ledger

    def use(self, run: str, uses: list[Use]) -> list[Use]:
        """Record that a run used external data. A source that many runs use is stored once. Idempotent.

        Raises:
            NotFound: there is no such run.
            Conflict: it has ended, or was deleted.
            Invalid: a source has no name, or a text of more than 16 Mi characters.
        """
        project = caller().project
        given = [replace(use, source=_checked(use.source)) for use in uses]

        def change(tx: Tx) -> None:
            require_active(tx, run)
            new: list[Use] = []
            for use in given:
                row = {"project": project, "run": run, "source": use.source.id, "context": use.context, "tags": use.tags}
                if tx.run(_add_use, row):
                    tx.run(_add_source, {"project": project, **asdict(use.source)})
                    new.append(use)
            if new:
                told = [{"name": use.source.name, "digest": use.source.digest, "context": use.context} for use in new]
                self._ledger.append(tx, "run.linked", Ref("run", run), data={"sources": told})

        self._rows.write(change)
        return self.sources([run])[run]

    def sources(self, runs: list[str]) -> dict[str, list[Use]]:
        """The external data that each of at most 1000 runs used, by name."""
        if len(runs) > _ASKED_MAX:
            raise Invalid(f"{len(runs)} runs are too many at once", hint=f"ask for {_ASKED_MAX} at a time", field="runs")
        return self._rows.read(lambda tx: used(tx, caller().project, runs))


def used(tx: Tx, project: str, runs: Sequence[str]) -> dict[str, list[Use]]:
    """The external data that runs used, by run."""
    found: dict[str, list[Use]] = defaultdict(list)
    joined = select(source_table, _u.run, _u.context, _u.tags).join(use_table, (_u.project == _s.project) & (_u.source == _s.id))
    for row in tx.all(joined.where(_u.project == project, _u.run.in_(runs)).order_by(_s.name, _s.digest, _u.context)):
        source = Source(
            id=row.id, name=row.name, digest=row.digest, type=row.type, source=row.source, schema=row.schema, profile=row.profile
        )  # fmt: skip
        found[row.run].append(Use(source=source, context=row.context, tags=row.tags))
    return {run: found.get(run, []) for run in runs}


def _checked(source: Source) -> Source:
    if not source.name.strip() or len(source.name) > _NAME_MAX:
        raise Invalid("a source has a name", hint=f"1 to {_NAME_MAX} characters", field="source.name")
    if any(len(text) > _TEXT_MAX for text in (source.digest, source.type, source.source, source.schema, source.profile)):
        raise Invalid("a source has a text of more than 16 Mi characters", hint="keep it as an artifact", field="source")
    said = canonical(asdict(replace(source, id="")))
    return replace(source, id=blake2b(said, digest_size=16).hexdigest())
