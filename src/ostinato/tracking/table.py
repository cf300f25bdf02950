"""Table: the verbs of Runs that lay runs out in rows and columns, a page at a time, however many there are."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Row, Select, and_, bindparam, func, literal, select, tuple_, type_coerce

from ostinato.kernel.caller import caller
from ostinato.kernel.errors import Invalid
from ostinato.kernel.page import Page
from ostinato.storage.rows.cells import number_in, text_in
from ostinato.storage.rows.lease import LeaseClock, at
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.storage.series.latest import latest
from ostinato.storage.series.series import Series
from ostinato.tracking.store import run_table
from ostinato.tracking.types import Anchor, RunIndex, RunRow, Scalar, State, number
from ostinato.tracking.where import condition, seen_state

_PAGE_MAX = 1000
_STEP_MIN = 10
_LOOKED_AT = 1000
_LAST = 1.7976931348623157e308
"""Above every number: where text is put that stands among numbers."""
_LEASES = LeaseClock()
_r = run_table.c
_SHOWN = (
    _r.id, _r.experiment, _r.name, seen_state.label("seen_state"), _r.parent, _r.started_at, _r.started_by, _r.ended_at, _r.error,
    _r.wall_s, _r.params, _r.tags,
)  # fmt: skip


class RunTable:
    """The part of Runs that tabulates; Runs gives it its parts."""

    _rows: Rows
    _series: Series

    def index(
        self,
        experiment: str | None = None,
        state: State | None = None,
        parent: str | None = None,
        where: list[str] | None = None,
        order_by: str = "-started_at",
        step: int = 200,
    ) -> RunIndex:
        """How many runs meet the conditions, where each `step`th of them begins in this order, and which columns there are.

        Raises:
            Invalid: a condition or the order is malformed, or `step` is below 10.
        """
        if step < _STEP_MIN:
            raise Invalid(f"an anchor every {step} rows", hint=f"at least {_STEP_MIN}", field="step")
        asked = _Asked.of({"experiment": experiment, "state": state, "parent": parent}, where or [], order_by)
        self._series.settle(caller().project)

        def query(tx: Tx) -> RunIndex:
            given = {"project": caller().project, **at(_LEASES.now(tx))}
            anchors = tx.all(asked.anchors(step), given)
            total = anchors[0].total if anchors else 0
            newest = tx.all(asked.newest(_LOOKED_AT), given)
            here = _own(), latest.c.run.in_([row.id for row in newest])
            keys = select(latest.c.key).where(*here).group_by(latest.c.key).order_by(func.count().desc(), latest.c.key)
            return RunIndex(
                total=total,
                anchors=[Anchor(offset=0, after=None), *(Anchor(offset=a.place, after=_cursor(a)) for a in anchors[1:] if a.place < total)],
                params=_common(row.params for row in newest),
                metrics=[row.key for row in tx.all(keys, given)] if newest else [],
                tags=_common(row.tags for row in newest),
            )

        return self._rows.read(query)

    def rows(
        self,
        experiment: str | None = None,
        state: State | None = None,
        parent: str | None = None,
        where: list[str] | None = None,
        order_by: str = "-started_at",
        limit: int = 200,
        after: str | None = None,
        columns: list[str] | None = None,
    ) -> Page[RunRow]:
        """Runs that meet the conditions, with the cells of `columns` such as `params.depth` and `metrics.auc`, behind a cursor.

        `order_by` is `started_at`, `ended_at`, `params.<key>` or `metrics.<key>`, and `-` before it means descending. Ordered by a
        parameter or a metric, only runs that have it appear; text comes after numbers. `limit` is at most 1000.

        Raises:
            Invalid: a condition, a column, the order or the cursor is malformed.
        """
        if not 1 <= limit <= _PAGE_MAX:
            raise Invalid(f"limit {limit} is not between 1 and {_PAGE_MAX}", hint="follow `next` for more", field="limit")
        asked = _Asked.of({"experiment": experiment, "state": state, "parent": parent}, where or [], order_by)
        wanted = [_column(name) for name in columns or []]
        if any("metrics." in text for text in (order_by, *(where or []), *(columns or []))):
            self._series.settle(caller().project)

        def query(tx: Tx) -> Page[RunRow]:
            given = {"project": caller().project, **at(_LEASES.now(tx))}
            found = tx.all(asked.page(limit, after), given)
            page = found[:limit]
            measured = _measured(tx, given, [row.id for row in page], [key for kind, key in wanted if kind == "metrics"])
            items = [_row(row, measured.get(row.id, {}), wanted) for row in page]
            return Page(items=items, next=_cursor(page[-1]) if len(found) > limit else None)

        return self._rows.read(query)


@dataclass(frozen=True, slots=True)
class _Asked:
    """Which runs, and in which order: by `keys`, and by id among equals."""

    where: tuple[ColumnElement[bool], ...]
    keys: tuple[ColumnElement[Any], ...]
    down: bool
    metric: str | None = None

    @classmethod
    def of(cls, equal: dict[str, str | None], conditions: Sequence[str], order_by: str) -> _Asked:
        known = [(seen_state if name == "state" else _r[name]) == value for name, value in equal.items() if value is not None]
        name, down = order_by.removeprefix("-"), order_by.startswith("-")
        meet = [*known, *map(condition, conditions)]
        times: dict[str, ColumnElement[Any]] = {
            "started_at": type_coerce(_r.started_at, BigInteger),  # bare, so that the index serves the order
            "ended_at": func.coalesce(_r.ended_at, 0, type_=BigInteger),
        }
        kind, _, key = name.partition(".")
        if name in times:
            return cls((_mine(), *meet), (times[name],), down)
        if kind == "metrics" and key:
            return cls((_mine(), *meet), (latest.c.last,), down, key)
        if kind == "params" and key:
            value, text = number_in(_r.params, key), text_in(_r.params, key)
            keys = (func.coalesce(value, literal(_LAST)), func.coalesce(text, ""))
            return cls((_mine(), *meet, value.is_not(None) | text.is_not(None)), keys, down)
        hint = "started_at, ended_at, params.<key> or metrics.<key>, with - before it for descending"
        raise Invalid(f"cannot order by {order_by!r}", hint=hint, field="order_by")

    def page(self, limit: int, after: str | None) -> Select[Any]:
        """The rows behind a cursor, one more than a page."""
        query = self._from(select(*_SHOWN, *self._labelled()))
        if after is not None:
            here, place = tuple_(*self.keys, _r.id), tuple_(*_place(after, len(self.keys)))
            query = query.where(here < place if self.down else here > place)
        return query.order_by(*self._order()).limit(limit + 1)

    def anchors(self, step: int) -> Select[Any]:
        """The first row and each `step`th, with its place, counted from 1, and how many there are."""
        counted = func.row_number().over(order_by=self._order()).label("place"), func.count().over().label("total")
        found = self._from(select(_r.id, *self._labelled(), *counted)).subquery()
        return select(found).where((found.c.place == 1) | (found.c.place % step == 0)).order_by(found.c.place)

    def newest(self, limit: int) -> Select[Any]:
        """The cells of the runs that were started last, whether they have what the order is by or not."""
        return select(_r.id, _r.params, _r.tags).where(*self.where).order_by(_r.started_at.desc(), _r.id.desc()).limit(limit)

    def _from(self, query: Select[Any]) -> Select[Any]:
        if self.metric is not None:
            measured = and_(latest.c.project == _r.project, latest.c.run == _r.id, latest.c.key == self.metric)
            query = query.join_from(run_table, latest, measured).where(latest.c.last.is_not(None))
        return query.where(*self.where)

    def _labelled(self) -> list[ColumnElement[Any]]:
        return [key.label(f"key_{i}") for i, key in enumerate(self.keys)]

    def _order(self) -> list[ColumnElement[Any]]:
        return [key.desc() if self.down else key.asc() for key in (*self.keys, _r.id)]


def _common(cells: Iterable[dict[str, Any]]) -> list[str]:
    """The keys, the most common first, and by name among equals."""
    counted = Counter(key for held in cells for key in held)
    return sorted(counted, key=lambda key: (-counted[key], key))


def _mine() -> ColumnElement[bool]:
    return _r.project == bindparam("project")


def _own() -> ColumnElement[bool]:
    return latest.c.project == bindparam("project")


def _cursor(row: Row[Any]) -> str:
    keys = [value for name, value in row._mapping.items() if name.startswith("key_")]
    return json.dumps([*keys, row.id])


def _place(after: str, keys: int) -> list[Any]:
    try:
        place = json.loads(after)
        kinds = [(int, float), *[(str,)] * keys]
        if not isinstance(place, list) or len(place) != keys + 1 or not all(map(isinstance, place, kinds)):
            raise ValueError
    except (ValueError, TypeError, RecursionError):
        raise Invalid("not a cursor of this order", hint="pass the `next` of the page before", field="after") from None
    return [literal(value) for value in place]


def _column(name: str) -> tuple[str, str]:
    kind, _, key = name.partition(".")
    if kind not in ("params", "metrics", "tags") or not key:
        raise Invalid(f"no column {name!r}", hint="params.<key>, metrics.<key> or tags.<key>", field="columns")
    return kind, key


def _measured(tx: Tx, given: dict[str, Any], runs: Sequence[str], keys: Sequence[str]) -> dict[str, dict[str, Scalar]]:
    """The last values of some metrics of some runs."""
    found: dict[str, dict[str, Scalar]] = {}
    if runs and keys:
        c = latest.c
        for row in tx.all(select(c.run, c.key, c.last).where(_own(), c.run.in_(runs), c.key.in_(keys)), given):
            found.setdefault(row.run, {})[row.key] = number(float("nan") if row.last is None else row.last)
    return found


def _row(row: Row[Any], measured: dict[str, Scalar], wanted: Sequence[tuple[str, str]]) -> RunRow:
    held: dict[str, dict[str, Scalar]] = {"params": row.params, "tags": row.tags, "metrics": measured}
    return RunRow(
        id=row.id, experiment=row.experiment, name=row.name, state=row.seen_state, parent=row.parent, started_at=row.started_at,
        started_by=row.started_by, ended_at=row.ended_at, error=row.error, wall_s=row.wall_s,
        cells={f"{kind}.{key}": held[kind][key] for kind, key in wanted if key in held[kind]},
    )  # fmt: skip
