"""The verbs of Traces on evaluation sets: examples by which an application is judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Column, Index, Row, Table, Text, bindparam, delete, func, insert, select, update

from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.digest import digest_of
from ostinato.kernel.errors import Invalid, NotFound, TooLarge
from ostinato.kernel.ids import new_id
from ostinato.kernel.page import Page
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.storage.rows.prepared import Prepared
from ostinato.storage.rows.rows import Instant, Json, Rows, Tx, metadata
from ostinato.traces.conventions import DEEP_MAX, deep
from ostinato.traces.intake import checked_labels
from ostinato.traces.types import EvalRecord, EvalSet, Merged
from ostinato.tracking.lookup import checked_name

set_table = Table(
    "traces_evalset",
    metadata,
    Column("project", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("experiments", Json, nullable=False),
    Column("tags", Json, nullable=False),
    Column("records", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("changed_by", Text, nullable=False),
)
record_table = Table(
    "traces_evalrecord",
    metadata,
    Column("project", Text, primary_key=True),
    Column("evalset", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("inputs", Json, nullable=False),
    Column("outputs", Json),
    Column("expectations", Json, nullable=False),
    Column("tags", Json, nullable=False),
    Column("source", Json),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("changed_by", Text, nullable=False),
    Index("traces_evalrecord_created", "project", "evalset", "created_at", "id"),
)
"""The id of a record is the digest of its inputs."""
example_table = Table(
    "traces_example",
    metadata,
    Column("project", Text, primary_key=True),
    Column("trace", Text, primary_key=True),
    Column("evalset", Text, primary_key=True),
    Column("record", Text, primary_key=True),
    Index("traces_example_record", "project", "evalset", "record"),
)
"""The traces that records come from."""
_c, _r, _x = set_table.c, record_table.c, example_table.c
_RECORD = (_r.project == bindparam("project"), _r.evalset == bindparam("evalset"), _r.id == bindparam("id"))
_one_record = Prepared(select(record_table).where(*_RECORD))
_add = Prepared(insert(record_table))
_MERGED = ("outputs", "expectations", "tags", "source", "changed_at", "changed_by")
_change = Prepared(
    update(record_table).where(_r.project == bindparam("of_project"), _r.evalset == bindparam("of_set"), _r.id == bindparam("of_id")),
    _MERGED,
)
_mark = Prepared(insert(example_table), missing=True)
RECORDS_MAX = 10_000
_RECORD_BYTES_MAX, _SETS_MAX, _PAGE_MAX = 1 << 20, 10_000, 1_000


class EvalSets:
    """A mixin of Traces, which sets the attributes that are annotated here."""

    _rows: Rows
    _ledger: Ledger
    _clock: Clock

    def create_evalset(
        self, name: str, experiments: list[str] | None = None, tags: dict[str, str] | None = None, id: str | None = None
    ) -> EvalSet:
        """Make a set without records, for experiments by their ids. With the `id` of one that is there, that one is given back."""
        now, by = self._clock.now(), caller().actor
        made = EvalSet(
            id=Ref("evalset", id or new_id()).name, name=checked_name(name), experiments=list(dict.fromkeys(experiments or [])),
            tags=checked_labels(tags or {}, "tags"), records=0, digest="", created_at=now, created_by=by, changed_at=now, changed_by=by,
        )  # fmt: skip

        def change(tx: Tx) -> EvalSet:
            project = caller().project
            if (known := _one(tx, made.id)) is not None:
                return known
            if tx.all(select(func.count()).where(_c.project == project))[0][0] >= _SETS_MAX:
                raise Invalid(f"there are {_SETS_MAX} sets", hint="delete some")
            tx.execute(insert(set_table), {"project": project, **_row(made)})
            self._ledger.append(tx, "evalset.created", made.ref, data={"name": name})
            return made

        return self._rows.write(change)

    def evalset(self, evalset: str) -> EvalSet:
        """The set with this id.

        Raises:
            NotFound: there is none.
        """
        return self._rows.read(lambda tx: _known(tx, evalset))

    def evalsets(self) -> list[EvalSet]:
        """All sets, the newest first."""
        query = select(set_table).where(_c.project == caller().project).order_by(_c.created_at.desc(), _c.id.desc())
        return self._rows.read(lambda tx: [_read(row) for row in tx.all(query)])

    def change_evalset(
        self,
        evalset: str,
        tags: dict[str, str | None] | None = None,
        experiments: list[str] | None = None,
        add_experiments: list[str] | None = None,
        drop_experiments: list[str] | None = None,
    ) -> EvalSet:
        """Set tags, or remove those set to None, and say for which experiments the set is, or for which others or no more.

        Raises:
            NotFound: there is no such set.
        """

        def change(tx: Tx) -> EvalSet:
            known = _known(tx, evalset)
            kept = {key: value for key, value in (known.tags | (tags or {})).items() if value is not None}
            of = [*(known.experiments if experiments is None else experiments), *(add_experiments or [])]
            of = [experiment for experiment in dict.fromkeys(of) if experiment not in (drop_experiments or [])]
            changed = replace(known, tags=checked_labels(kept, "tags"), experiments=of)
            return known if changed == known else self._keep(tx, changed, "evalset.changed", {"tags": sorted(tags or {})})

        return self._rows.write(change)

    def delete_evalset(self, evalset: str) -> None:
        """Delete a set with its records; nothing brings it back. No error if it is gone already."""

        def change(tx: Tx) -> None:
            known, project = _one(tx, evalset), caller().project
            if known is None:
                return
            tx.execute(delete(record_table).where(_r.project == project, _r.evalset == evalset))
            tx.execute(delete(example_table).where(_x.project == project, _x.evalset == evalset))
            tx.execute(delete(set_table).where(_c.project == project, _c.id == evalset))
            self._ledger.append(tx, "evalset.deleted", known.ref, data={"name": known.name, "records": known.records})

        self._rows.write(change)

    def merge_records(self, evalset: str, records: list[dict[str, Any]]) -> Merged:
        """Add examples: `inputs`, and perhaps `outputs`, `expectations`, `tags` and `source`. One with the same inputs takes what is new.

        Raises:
            NotFound: there is no such set.
            Invalid: a record has no inputs.
            TooLarge: more than 10,000 at once, or one is larger than 1 MiB.
        """
        given = [_checked(record, place) for place, record in enumerate(_few(records))]
        now, by = self._clock.now(), caller().actor

        def change(tx: Tx) -> Merged:
            known, project, inserted = _known(tx, evalset), caller().project, 0
            for id_, record in given:
                there = tx.fetch(_one_record, {"project": project, "evalset": evalset, "id": id_})
                row = _merged(dict(zip(_r.keys(), there[0], strict=True)) if there else {}, record, now, by)
                if there:
                    tx.run(_change, {**row, "of_project": project, "of_set": evalset, "of_id": id_})
                else:
                    tx.run(_add, {**row, "project": project, "evalset": evalset, "id": id_, "created_at": now, "created_by": by})
                    inserted += 1
                if (trace := _trace_of(row["source"])) is not None:
                    tx.run(_mark, {"project": project, "trace": trace, "evalset": evalset, "record": id_})
            merged = Merged(inserted=inserted, updated=len(given) - inserted)
            after = replace(known, records=known.records + inserted)
            self._keep(tx, after, "evalset.merged", {"inserted": merged.inserted, "updated": merged.updated})
            return merged

        return self._rows.write(change)

    def records(self, evalset: str, limit: int = 100, after: str | None = None) -> Page[EvalRecord]:
        """The examples of a set by their ids; `limit` is at most 1000.

        Raises:
            NotFound: there is no such set.
        """
        if not 1 <= limit <= _PAGE_MAX:
            raise Invalid(f"limit {limit} is not between 1 and {_PAGE_MAX}", hint="follow `next` for more", field="limit")

        def query(tx: Tx) -> Page[EvalRecord]:
            _known(tx, evalset)
            asked = select(record_table).where(_r.project == caller().project, _r.evalset == evalset, _r.id > (after or ""))
            found = [_read_record(row) for row in tx.all(asked.order_by(_r.id).limit(limit + 1))]
            return Page(items=found[:limit], next=found[limit - 1].id if len(found) > limit else None)

        return self._rows.read(query)

    def drop_records(self, evalset: str, records: list[str]) -> int:
        """Delete examples by their ids. How many there were.

        Raises:
            NotFound: there is no such set.
        """

        def change(tx: Tx) -> int:
            known, whose = _known(tx, evalset), (_r.project == caller().project, _r.evalset == evalset)
            gone = tx.execute(delete(record_table).where(*whose, _r.id.in_(_few(records)))).rowcount
            tx.execute(delete(example_table).where(_x.project == caller().project, _x.evalset == evalset, _x.record.in_(records)))
            if gone:
                self._keep(tx, replace(known, records=known.records - gone), "evalset.records_dropped", {"records": gone})
            return gone

        return self._rows.write(change)

    def _keep(self, tx: Tx, changed: EvalSet, verb: str, data: dict[str, Any]) -> EvalSet:
        now = self._clock.now()
        kept = replace(changed, changed_at=now, changed_by=caller().actor)
        kept = replace(kept, digest=digest_of([kept.id, kept.records, now.isoformat()])[:8])
        tx.execute(update(set_table).where(_c.project == caller().project, _c.id == kept.id).values(**_row(kept)))
        self._ledger.append(tx, verb, kept.ref, data=data)
        return kept


def _one(tx: Tx, evalset: str) -> EvalSet | None:
    row = tx.first(select(set_table).where(_c.project == caller().project, _c.id == evalset))
    return _read(row) if row else None


def _known(tx: Tx, evalset: str) -> EvalSet:
    found = _one(tx, evalset)
    if found is None:
        raise NotFound(f"no evaluation set {evalset[:200]!r}", hint="traces.evalsets() lists those of this project")
    return found


def _few(values: list[Any]) -> list[Any]:
    if len(values) > RECORDS_MAX:
        raise TooLarge(f"{len(values)} records at once", hint=f"at most {RECORDS_MAX}")
    return values


def _checked(record: Mapping[str, Any], place: int) -> tuple[str, Mapping[str, Any]]:
    """The id of a record, and the record, if it is one."""
    inputs = record.get("inputs")
    objects = [record.get(name) for name in ("expectations", "tags", "source")]
    if not isinstance(inputs, dict) or not inputs or not all(part is None or isinstance(part, dict) for part in objects):
        raise Invalid(
            f"record {place} has no inputs, or another shape", hint='{"inputs": {"question": "…"}, "expectations": {…}}', field="records"
        )
    checked_labels(record.get("tags") or {}, "tags")
    if deep(record, DEEP_MAX + 1):
        raise Invalid(f"record {place} is more than {DEEP_MAX} deep", hint="tell what lies deeper as a text of JSON", field="records")
    if len(msgspec.json.encode(record)) > _RECORD_BYTES_MAX:
        raise TooLarge(f"record {place} is larger than 1 MiB", hint="keep large inputs as artifacts, and name them")
    return digest_of(inputs), record


def _merged(known: Mapping[str, Any], record: Mapping[str, Any], now: datetime, by: str) -> dict[str, Any]:
    outputs = record.get("outputs")
    return {
        "inputs": record["inputs"],
        "outputs": known.get("outputs") if outputs is None else outputs,
        "expectations": {**known.get("expectations", {}), **(record.get("expectations") or {})},
        "tags": {**known.get("tags", {}), **(record.get("tags") or {})},
        "source": record.get("source") or known.get("source"),
        "changed_at": now,
        "changed_by": by,
    }


def _trace_of(source: Mapping[str, Any] | None) -> str | None:
    """The trace that a record comes from, as MLflow's clients tell it, or `{"trace": ID}`."""
    data = (source or {}).get("source_data", source)
    found = data.get("trace_id", data.get("trace")) if isinstance(data, Mapping) else None
    return found if isinstance(found, str) and found and "\0" not in found else None


def _row(of: EvalSet) -> dict[str, Any]:
    return {name: getattr(of, name) for name in _c.keys() if name != "project"}  # noqa: SIM118 — not a dict


def _read(row: Row[Any]) -> EvalSet:
    return EvalSet(**{name: value for name, value in row._mapping.items() if name != "project"})


def _read_record(row: Row[Any]) -> EvalRecord:
    return EvalRecord(**{name: value for name, value in row._mapping.items() if name not in ("project", "evalset")})
