"""Datasets: the verbs on data."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from ostinato.data import store
from ostinato.data.catalog import Catalog
from ostinato.data.lookup import find_dataset, find_version
from ostinato.data.profile import profile_column
from ostinato.data.schema import conform, normalized, plain_rows, schema_of
from ostinato.data.sources._bytes import SourceTable
from ostinato.data.sources.parquet import parse
from ostinato.data.types import Contract, Dataset, DatasetVersion, Delivery, Profile, Report, Scalar, SourceSpec
from ostinato.data.validation import references, validate_contract, validate_delivery
from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.digest import digest_of
from ostinato.kernel.errors import Conflict, Invalid, NotFound, Unavailable
from ostinato.kernel.family import Family
from ostinato.kernel.name import checked_name
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.storage.blobs.blobs import Blobs
from ostinato.storage.blobs.uploads import Arriving, Uploads
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.storage.tables.sql import name as quoted
from ostinato.storage.tables.tables import TableBlob, Tables

_ROWS_MAX = 1_000
_RACES_MAX = 20
_TAGS_MAX = 20


class Source(Protocol):
    """A member of the family `ostinato.data.sources`: a frozen dataclass whose fields are its parameters."""

    def read(self, inbox: Path) -> SourceTable:
        """The rows, and where they came from."""
        ...


SOURCES: Family[Source] = Family("ostinato.data.sources")


class Datasets(Catalog, Arriving):
    """Named tables that grow by deliveries; each accepted delivery makes an immutable version."""

    def __init__(self, *, rows: Rows, blobs: Blobs, tables: Tables, ledger: Ledger, clock: Clock, inbox: Path) -> None:
        self._rows = rows
        self._blobs = blobs
        self._uploads = Uploads(blobs, rows)
        self._tables = tables
        self._ledger = ledger
        self._clock = clock
        self._inbox = inbox

    def create(
        self,
        name: str,
        contract: Contract,
        description: str = "",
        owner: str = "",
        mode: Literal["append", "replace"] = "append",
        licence: str = "",
        purpose: str = "",
    ) -> Dataset:
        """Create a dataset. In the mode `replace`, a version holds only the newest delivery.

        Raises:
            Invalid: the name has another shape than letters, digits and `._-`, or a check cannot be made.
            Conflict: there is a dataset of this name that was declared otherwise.
        """
        who = caller()
        checked_name(name, "a dataset")
        contract = store.as_stored(contract)
        validate_contract(contract)
        made = Dataset(
            name=name,
            contract=contract,
            description=description,
            owner=owner or who.actor,
            mode=mode,
            licence=licence,
            purpose=purpose,
            created_at=self._clock.now(),
            created_by=who.actor,
        )

        def change(tx: Tx) -> Dataset:
            found = store.dataset_named(tx, who.project, name)
            if found is None:
                store.add_dataset(tx, who.project, made)
                self._ledger.append(tx, "dataset.created", Ref("dataset", name), data={"owner": made.owner, "mode": mode})
                return made
            if _declared(found) != _declared(made) or (owner and owner != found.owner):
                raise Conflict(f"dataset {name} exists and was declared otherwise", hint="take another name, or declare it as it is")
            return found

        return self._rows.write(change)

    def get(self, name: str) -> Dataset:
        """The dataset of this name."""
        return self._rows.read(lambda tx: find_dataset(tx, caller().project, name))

    def tag(self, name: str, tags: list[str]) -> Dataset:
        """Replace the tags of a dataset. Search finds it by them.

        Raises:
            NotFound: there is no such dataset.
            Invalid: there are more than 20, or one has another shape than letters, digits and `._-`.
        """
        project, wanted = caller().project, sorted({checked_name(tag, "a tag", most=50, field="tags") for tag in tags})
        if len(wanted) > _TAGS_MAX:
            raise Invalid(f"a dataset has at most {_TAGS_MAX} tags, not {len(wanted)}", field="tags")

        def change(tx: Tx) -> Dataset:
            found = find_dataset(tx, project, name)
            if found.tags != wanted:
                store.set_tags(tx, project, name, wanted)
                added, removed = (sorted({*a} - {*b}) for a, b in ((wanted, found.tags), (found.tags, wanted)))
                self._ledger.append(tx, "dataset.tagged", Ref("dataset", name), data={"added": added, "removed": removed})
            return replace(found, tags=wanted)

        return self._rows.write(change)

    def all(self) -> list[Dataset]:
        """All datasets, by name."""
        return self._rows.read(lambda tx: store.all_datasets(tx, caller().project))

    def deliver(self, name: str, source: SourceSpec, key: str, note: str = "") -> Delivery:
        """Read a source and check it against the contract; add its rows to a new version, or quarantine them.

        A key that was accepted is answered as it was then, a quarantined one may be tried again.

        Raises:
            NotFound: there is no such dataset, kind of source, or file.
            Invalid: the source cannot be read.
            Conflict: other content was accepted under this key.
        """
        self.get(name)
        pulled = SOURCES.make(source.kind, source.parameters).read(self._inbox)
        reading = {k: v for k, v in source.parameters.items() if k != "path"}
        return self._take(name, key, pulled, digest_of([source.kind, reading, pulled.digest]), note)

    def upload(self, name: str, key: str, content: bytes) -> Delivery:
        """Deliver the bytes of a Parquet file."""
        pulled = SourceTable.of(f"upload/{key}", content, parse(content, "the upload"))
        return self._take(name, key, pulled, digest_of(["upload", pulled.digest]), "")

    def upload_sent(self, name: str, key: str, upload: str, size: int) -> Delivery:
        """Deliver an upload that was sent in parts, `size` bytes in all; otherwise like `upload`.

        Raises:
            NotFound: nothing of the upload has arrived, or it was forgotten, a day after its last part.
            Conflict: a part is missing.
            Invalid: the parts are not the bytes that the upload is called by, or no Parquet.
        """
        return self.upload(name, key, self._blobs.open(self._uploads.finish(upload, size).digest))

    def deliveries(self, name: str) -> list[Delivery]:
        """All deliveries to a dataset in order of arrival, accepted or not, with their reports."""

        def query(tx: Tx) -> list[Delivery]:
            find_dataset(tx, caller().project, name)
            return store.deliveries_of(tx, caller().project, name)

        return self._rows.read(query)

    def quarantined(self, name: str) -> list[Delivery]:
        """The quarantined deliveries, with reports that hold samples of the violating rows."""
        return [d for d in self.deliveries(name) if d.state == "quarantined"]

    def versions(self, name: str) -> list[DatasetVersion]:
        """All versions of a dataset, oldest first."""

        def query(tx: Tx) -> list[DatasetVersion]:
            find_dataset(tx, caller().project, name)
            return store.versions_of(tx, caller().project, name)

        return self._rows.read(query)

    def version(self, ref: str) -> DatasetVersion:
        """The version `flights@4`, or the latest with `flights`.

        Raises:
            NotFound: there is no such dataset or version.
        """
        wanted = Ref.parse(ref, kind="dataset")
        return self._rows.read(lambda tx: find_version(tx, caller().project, wanted))

    def profile(self, ref: str) -> Profile:
        """Statistics of each column of a version; computed once."""
        version, project = self.version(ref), caller().project
        kept = self._rows.read(lambda tx: store.profile_of(tx, project, version.dataset, version.version))
        if kept is not None:
            return kept
        digests = [part.digest for part in version.parts]
        columns = [profile_column(c.name, c.type, self._tables.read_all(digests, [c.name])[c.name]) for c in version.schema]
        made = Profile(dataset=version.dataset, version=version.version, rows=version.rows, columns=columns)
        self._rows.write(lambda tx: store.keep_profile(tx, project, made))
        return made

    def rows(self, ref: str, limit: int = 20, where: dict[str, Scalar] | None = None) -> list[dict[str, Scalar]]:
        """The first rows of a version, at most 1,000, whose cells equal those of `where`; instants are ISO 8601 text."""
        version = self.version(ref)
        kinds = {c.name: c.type for c in version.schema}
        tests, values = ["TRUE"], []
        for column, value in (where or {}).items():
            if column not in kinds:
                raise NotFound.named("column", column, kinds)
            tests.append(f"{quoted(column)} IS NULL" if value is None else f"{quoted(column)} = {_CASTS.get(kinds[column], '?')}")
            values += [] if value is None else [value]
        sql = f"SELECT * FROM t WHERE {' AND '.join(tests)} LIMIT {max(0, min(int(limit), _ROWS_MAX))}"  # noqa: S608
        return plain_rows(self._tables.query(sql, values, t=[part.digest for part in version.parts]))

    def table(
        self, ref: str, columns: Sequence[str] | None = None, since: datetime | None = None, until: datetime | None = None
    ) -> pa.Table:
        """The rows of a version, or those whose `time` of the contract lies in [since, until), in the order of delivery.

        Raises:
            Invalid: a column is unknown, or instants are given and the contract names no `time`.
        """
        version = self.version(ref)
        digests = [part.digest for part in version.parts]
        if since is None and until is None:
            return self._tables.read_all(digests, columns)
        time = self.get(version.dataset).contract.time
        if time is None:
            raise Invalid(f"the contract of {version.dataset} names no time", hint='Contract(time="…")', field="since")
        chosen = "*" if columns is None else ", ".join(map(quoted, columns))
        bounds = [(op, bound) for op, bound in ((">=", since), ("<", until)) if bound is not None]
        sql = f"SELECT {chosen} FROM t WHERE {' AND '.join(f'{quoted(time)} {op} ?' for op, _ in bounds)}"  # noqa: S608
        return self._tables.query(sql, [bound for _, bound in bounds], t=digests)

    def content(self, ref: str) -> bytes:
        """A version as one Parquet file."""
        version = self.version(ref)
        if len(version.parts) == 1:
            return self._blobs.open(version.parts[0].digest)
        sink = io.BytesIO()
        pq.write_table(self._tables.read_all([part.digest for part in version.parts]), sink, compression="zstd")
        return sink.getvalue()

    def _take(self, name: str, key: str, pulled: SourceTable, origin: str, note: str) -> Delivery:
        """Check a delivery against the latest version, and record it unless another came between."""
        checked_name(key, "a delivery", field="key")
        project, arrived = caller().project, normalized(pulled.table)
        for _ in range(_RACES_MAX):
            dataset, latest, earlier = self._rows.read(lambda tx: _load_state(tx, project, name, key))
            if earlier and earlier[0].state == "accepted":
                if earlier[1] == origin:
                    return earlier[0]
                raise Conflict(f"{name} has accepted other content under the key {key}", hint="deliver it under a key of its own")
            table, report, beside = self._measure(arrived, dataset, latest)
            if earlier and earlier[1] == origin and earlier[0].report == report:
                return earlier[0]
            blob = self._tables.write(table)
            made = self._delivery(dataset, key, pulled, blob, report, latest, earlier[0].attempt + 1 if earlier else 1, note)
            if self._record(made, origin, table, latest, beside, replace=dataset.mode == "replace"):
                return made
        raise Unavailable(f"others keep delivering to {name}", hint="try again")

    def _measure(self, arrived: pa.Table, dataset: Dataset, latest: DatasetVersion | None) -> tuple[pa.Table, Report, dict[str, int]]:
        """The rows in the dataset's shape, the report on them, and the versions of other datasets that it looked into."""
        table, results = arrived, []
        if latest is not None:
            table, fit = conform(arrived, latest.schema)
            if not fit.passed:
                return table, Report(passed=False, rows=table.num_rows, results=[fit]), {}
            results = [fit]
        others = {other: self.version(other) for other in references(dataset.contract)}
        accepted = [part.digest for part in latest.parts] if latest and dataset.mode == "append" else []
        pieces = {other: [part.digest for part in version.parts] for other, version in others.items()}
        report = validate_delivery(table, dataset.contract, self._tables, accepted=accepted, others=pieces, now=self._clock.now())
        whole = Report(passed=report.passed, rows=report.rows, results=results + report.results)
        return table, whole, {other: version.version for other, version in others.items()}

    def _delivery(
        self,
        dataset: Dataset,
        key: str,
        pulled: SourceTable,
        blob: TableBlob,
        report: Report,
        latest: DatasetVersion | None,
        attempt: int,
        note: str,
    ) -> Delivery:
        return Delivery(
            dataset=dataset.name,
            key=key,
            attempt=attempt,
            state="accepted" if report.passed else "quarantined",
            version=(latest.version if latest else 0) + 1 if report.passed else None,
            rows=blob.rows,
            size=blob.size,
            digest=blob.digest,
            source=pulled.source,
            source_digest=pulled.digest,
            report=report,
            note=note,
            delivered_at=self._clock.now(),
            delivered_by=caller().actor,
        )

    def _record(
        self, made: Delivery, origin: str, table: pa.Table, latest: DatasetVersion | None, beside: dict[str, int], *, replace: bool
    ) -> bool:
        """Store the delivery and its version, if nothing has changed since it was checked."""
        project, subject = caller().project, Ref("dataset", made.dataset)
        came_from = Ref(
            "source", re.sub(r"[^A-Za-z0-9._/+=%-]", "-", made.source).lstrip("._/+=%-")[:200] or "file", made.source_digest[:16]
        )
        told = {"key": made.key, "rows": made.rows, "digest": made.digest, "checked_against": beside}

        def change(tx: Tx) -> bool:
            _, now, earlier = _load_state(tx, project, made.dataset, made.key)
            if (now.version if now else 0) != (latest.version if latest else 0) or (
                earlier[0].attempt if earlier else 0
            ) != made.attempt - 1:
                return False
            store.add_delivery(tx, project, made, origin)
            if made.version is None:
                failed = {f.check + "(" + ", ".join(f.columns) + ")": f.violations for f in made.report.failures}
                self._ledger.append(tx, "dataset.quarantined", subject, inputs=(came_from,), data={**told, "failed": failed})
                return True
            store.add_version(tx, project, made, schema_of(table), replace=replace)
            previous = (subject.at(latest.version),) if latest and not replace else ()
            outputs = (subject.at(made.version),)
            self._ledger.append(tx, "dataset.delivered", subject, inputs=(came_from, *previous), outputs=outputs, data=told)
            return True

        return self._rows.write(change)


_CASTS = {"timestamp": "?::VARCHAR::TIMESTAMPTZ", "date": "?::VARCHAR::DATE"}


def _declared(dataset: Dataset) -> tuple[object, ...]:
    return (dataset.contract, dataset.description, dataset.mode, dataset.licence, dataset.purpose)


def _load_state(tx: Tx, project: str, name: str, key: str) -> tuple[Dataset, DatasetVersion | None, tuple[Delivery, str] | None]:
    """A dataset, its latest version, and the newest delivery under a key with its origin."""
    dataset = find_dataset(tx, project, name)
    latest = store.version_of(tx, project, name, dataset.latest) if dataset.latest else None
    return dataset, latest, store.last_attempt(tx, project, name, key)
