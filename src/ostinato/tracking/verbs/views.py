"""The verbs of Runs on saved views."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Row, Table, Text, UniqueConstraint, bindparam, delete, select, update

from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Conflict, Invalid, NotFound
from ostinato.kernel.ids import new_id
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.storage.rows.rows import Instant, Json, Rows, Tx, metadata
from ostinato.tracking.lookup import checked_name
from ostinato.tracking.planner.parse import parse_all, parse_order
from ostinato.tracking.planner.where import RUNS
from ostinato.tracking.view_types import SavedView

view_table = Table(
    "tracking_view",
    metadata,
    Column("project", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("experiment", Text),
    Column("conditions", Json, nullable=False),
    Column("order_by", Text, nullable=False),
    Column("columns", Json, nullable=False),
    Column("saved_at", Instant, nullable=False),
    UniqueConstraint("project", "name"),
)
_v = view_table.c
_views = select(view_table).where(_v.project == bindparam("project"))
_COLUMNS_MAX = 500


class Views:
    """A mixin of Runs, which sets the attributes that are annotated here."""

    _rows: Rows
    _ledger: Ledger
    _clock: Clock

    def save_view(
        self,
        name: str,
        experiment: str | None = None,
        where: list[str] | None = None,
        order_by: str = "-started_at",
        columns: list[str] | None = None,
    ) -> SavedView:
        """Save the settings of a run table under a name, for the whole project. Its owner may replace it.

        Raises:
            Conflict: somebody else has a view of that name.
            Invalid: a condition or the order is malformed, or there are more than 500 columns.
        """
        asked, shown = list(where or []), list(columns or [])
        parse_all(asked, RUNS.vocabulary)
        parse_order(order_by, RUNS.vocabulary)
        if len(shown) > _COLUMNS_MAX:
            raise Invalid(f"a view of {len(shown)} columns", hint=f"at most {_COLUMNS_MAX}", field="columns")
        look = {"experiment": experiment, "conditions": asked, "order_by": order_by, "columns": shown}

        def change(tx: Tx) -> SavedView:
            known = _find_view(tx, checked_name(name))
            if known is not None and known.owner != caller().actor:
                raise Conflict(f"the view {name!r} is of {known.owner}", hint="use another name")
            if known is not None and {key: getattr(known, key) for key in look} == look:
                return _read(known)
            row = look | {"saved_at": self._clock.now()}
            id_ = known.id if known is not None else new_id()
            if known is not None:
                tx.execute(update(view_table).where(_v.project == caller().project, _v.id == id_).values(**row))
            else:
                row |= {"project": caller().project, "id": id_, "name": name, "owner": caller().actor}
                tx.execute(view_table.insert(), row)
            self._ledger.append(tx, "view.saved", Ref("view", id_), data={"name": name})
            return _read(_found(tx, name))

        return self._rows.write(change)

    def views(self) -> list[SavedView]:
        """The saved views of the project, by name."""
        return self._rows.read(lambda tx: [_read(row) for row in tx.all(_views.order_by(_v.name), {"project": caller().project})])

    def drop_view(self, name: str) -> None:
        """Delete a saved view of the caller.

        Raises:
            NotFound: there is none of that name.
            Conflict: it is somebody else's.
        """

        def change(tx: Tx) -> None:
            known = _found(tx, name)
            if known.owner != caller().actor:
                raise Conflict(f"the view {name!r} is of {known.owner}", hint="its owner may drop it")
            tx.execute(delete(view_table).where(_v.project == caller().project, _v.id == known.id))
            self._ledger.append(tx, "view.dropped", Ref("view", known.id), data={"name": name})

        self._rows.write(change)


def _find_view(tx: Tx, name: str) -> Row[Any] | None:
    return tx.first(_views.where(_v.name == name), {"project": caller().project})


def _found(tx: Tx, name: str) -> Row[Any]:
    found = _find_view(tx, name)
    if found is None:
        raise NotFound.named("view", name, [row.name for row in tx.all(_views, {"project": caller().project})])
    return found


def _read(row: Row[Any]) -> SavedView:
    return SavedView(
        id=row.id, name=row.name, owner=row.owner, experiment=row.experiment, where=row.conditions, order_by=row.order_by,
        columns=row.columns, saved_at=row.saved_at,
    )  # fmt: skip
