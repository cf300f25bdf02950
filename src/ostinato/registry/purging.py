"""The verb of Models that releases the artifacts of removed versions, so that `collect` can delete them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, select, update

from ostinato.kernel.caller import caller
from ostinato.kernel.errors import Conflict, NotFound
from ostinato.kernel.frozen import frozen
from ostinato.kernel.ref import Ref
from ostinato.ledger.holds import check_free
from ostinato.ledger.service import Ledger
from ostinato.registry.folders import file
from ostinato.registry.labels import label
from ostinato.registry.proof_store import proof
from ostinato.registry.tables import move, version
from ostinato.storage.rows.rows import Rows, Tx

_v = version.c


@frozen
class ModelPurge:
    """The result of a purge: how many removed versions lost their files, and how many bytes that were."""

    model: str
    versions: list[int]
    size: int


class Purging:
    """A mixin of Models, which sets the attributes that are annotated here."""

    _rows: Rows
    _ledger: Ledger

    def purge(self, ref: str) -> ModelPurge:
        """Purge the artifact and files of a removed version, or with `late` those of all removed versions of that model.

        Numbers and what the ledger tells stay; the bytes go with the next collection, unless something else names them. This cannot be
        undone; a repeat changes nothing.

        Raises:
            NotFound: the model never had such a version.
            Conflict: the version was not removed, or is held.
        """
        asked, project = Ref.parse(str(ref), "model"), caller().project

        def change(tx: Tx) -> ModelPurge:
            whose = [_v.project == project, _v.model == asked.name]
            if asked.version is not None:
                whose.append(_v.version == (int(asked.version) if asked.version.isdecimal() else -1))
            rows = tx.all(select(_v.version, _v.size, _v.removed_at, _v.artifact).where(*whose).order_by(_v.version))
            if not rows:
                raise NotFound(f"no version {ref!r} was ever there", hint="write late@3, or late for all that were removed")
            if asked.version is not None and rows[0].removed_at is None:
                raise Conflict(f"{asked} was not removed", hint="models.remove it first")
            going = [row for row in rows if row.removed_at is not None and row.artifact]
            check_free(tx, *(Ref("model", asked.name, str(row.version)) for row in going))
            numbers = [row.version for row in going]
            if numbers:
                self._let_go(tx, asked.name, numbers)
            return ModelPurge(model=asked.name, versions=numbers, size=sum(row.size for row in going))

        return self._rows.write(change)

    def _let_go(self, tx: Tx, model: str, numbers: list[int]) -> None:
        def of(table: Any) -> list[Any]:
            return [table.c.project == caller().project, table.c.model == model, table.c.version.in_(numbers)]

        tx.execute(update(version).where(*of(version)).values(artifact=""))
        tx.execute(update(move).where(*of(move)).values(artifact=""))
        for table in (file, label, proof):
            tx.execute(delete(table).where(*of(table)))
        for number in numbers:
            self._ledger.append(tx, "model.purged", Ref("model", model, str(number)))
