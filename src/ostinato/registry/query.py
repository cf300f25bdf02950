"""The verbs of Models that search models and versions, with the query language of runs (`tracking.query`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from sqlalchemy import ColumnElement, FromClause, Select, Text, and_, bindparam, case, cast, distinct, exists, func, or_, select

from ostinato.evaluation import overview as evaluations
from ostinato.evaluation.service import Evaluations
from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Invalid
from ostinato.kernel.page import Page
from ostinato.registry import as_of, store
from ostinato.registry.labels import label
from ostinato.registry.pages import line_of, state_of_model
from ostinato.registry.tables import decision, deprecation, model, move, owner, source, tier, version
from ostinato.registry.views import ModelState, VersionLine
from ostinato.storage.rows.cells import text_in
from ostinato.storage.rows.rows import Instant, Rows, Tx
from ostinato.tracking.planner.order import Key, Part, checked, keys_of, page
from ostinato.tracking.planner.parse import parse_all, parse_order
from ostinato.tracking.planner.where import Around, Place, Things, attributes
from ostinato.tracking.query import Field, Kind, Order, Vocabulary

_m, _v, _d, _o, _s = model.c, version.c, decision.c, owner.c, source.c
_now = bindparam("now", type_=Instant())
_ENDS: dict[str, Literal["value", "low", "high"]] = {"last": "value", "min": "low", "max": "high"}


def _about(table: Any, number: Any) -> Around:
    """That a row of a table is about the model, or about its version with this number, and meets what is asked."""
    whose = and_(table.c.project == _m.project, table.c.model == _m.name, table.c.version == number)
    return lambda asked: exists().where(whose, asked).correlate(model, version)


def _owned(asked: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(_o.project == _m.project, _o.model == _m.name, asked).correlate(model, version)


def _versioned(asked: ColumnElement[bool]) -> ColumnElement[bool]:
    """That some version of the model meets what is asked."""
    of_model = (_v.project == _m.project, _v.model == _m.name, _v.removed_at.is_(None))
    return exists().where(*of_model, asked).correlate(model)


def _deprecation_around(number: Any) -> Around:
    """That a model or a version is deprecated at present, in words that meet what is asked."""
    later = deprecation.alias()
    of = (later.c.project == deprecation.c.project, later.c.model == deprecation.c.model, later.c.version == deprecation.c.version)
    last = select(func.max(later.c.number)).where(*of).scalar_subquery()
    about = _about(deprecation, number)
    return lambda asked: about(and_(deprecation.c.number == last, deprecation.c.lifted.is_(False), asked))


def _aliased(asked: ColumnElement[bool]) -> ColumnElement[bool]:
    later = move.alias()
    of = (later.c.project == move.c.project, later.c.model == move.c.model, later.c.alias == move.c.alias)
    last = select(func.max(later.c.number)).where(*of).scalar_subquery()
    return _about(move, _v.version)(and_(move.c.number == last, move.c.how != "withdrawn", asked))


def _decided(*asked: ColumnElement[bool]) -> ColumnElement[bool]:
    return _about(decision, _v.version)(and_(*asked))


def _state() -> ColumnElement[str]:
    """The state of a version, as `binding.state_of` tells it of its decisions."""
    asked = select(tier.c.approvals).where(tier.c.project == _m.project, tier.c.risk == _m.risk).order_by(tier.c.number.desc()).limit(1)
    begins = case({known.risk: known.approvals for known in store.TIERS}, value=_m.risk)
    tiered = func.coalesce(asked.correlate(model).scalar_subquery(), begins)
    needed = case((_m.approvals == 0, 0), (_m.approvals > tiered, _m.approvals), else_=tiered)
    given = (_d.binding == _v.binding, or_(_d.voided_at.is_(None), _d.voided_at > _now))
    people = select(func.count(distinct(_d.responsible))).where(
        _d.project == _v.project, _d.model == _v.model, _d.version == _v.version, _d.kind == "approved", *given
    )
    held = or_(_d.expires_at.is_(None), _d.expires_at > _now)
    holding, broken = people.where(held), _d.kind == "broke_glass"
    return case(
        (_decided(_d.kind == "retired"), "retired"),
        (_decided(_d.kind == "rejected"), "rejected"),
        (holding.correlate(version).scalar_subquery() >= needed, "approved"),
        (_decided(broken, held, *given), "emergency"),
        (or_(_decided(broken, *given), people.correlate(version).scalar_subquery() >= needed), "expired"),
        else_="registered",
    )


_OWNER = Place(text=_o.owner, around=_owned)
_M_TYPES, _M_PLACES = attributes(
    {
        "name": ("text", _m.name),
        "description": ("text", _m.description),
        "risk": ("text", _m.risk),
        "owner": ("text", _m.name),
        "state": ("text", _v.flavor),
        "alias": ("text", _m.name),
        "flavor": ("text", _v.flavor),
        "author": ("text", _v.author),
        "deprecated": ("text", _m.name),
        "created_by": ("text", _m.created_by),
        "created_at": ("time", _m.created_at),
    }
)
_M_PLACES |= {
    "owner": _OWNER,
    "state": Place(text=_state(), around=_versioned),
    "alias": Place(text=move.c.alias, around=lambda asked: _versioned(_aliased(asked))),
    "flavor": Place(text=_v.flavor, around=_versioned),
    "author": Place(text=_v.author, around=_versioned),
    "deprecated": Place(text=deprecation.c.reason, around=_deprecation_around(store.MODEL)),
}
_V_TYPES, _V_PLACES = attributes(
    {
        "model": ("text", _v.model),
        "version": ("number", _v.version),
        "state": ("text", _state()),
        "alias": ("text", _v.model),
        "flavor": ("text", _v.flavor),
        "author": ("text", _v.author),
        "owner": ("text", _v.model),
        "risk": ("text", _m.risk),
        "note": ("text", _v.note),
        "run": ("text", func.coalesce(_v.run, "")),
        "features": ("text", cast(_v.features, Text)),
        "artifact": ("text", _v.artifact),
        "evaluation": ("text", func.coalesce(_v.evaluated, _v.evaluation, "")),
        "deprecated": ("text", _v.model),
        "size": ("number", _v.size),
        "registered_at": ("time", _v.registered_at),
    }
)
_V_PLACES |= {
    "owner": _OWNER,
    "alias": Place(text=move.c.alias, around=_aliased),
    "deprecated": Place(text=deprecation.c.reason, around=_deprecation_around(_v.version)),
}


def _tagged(field: Field, number: Any) -> Place:
    return Place(text=text_in(label.c.tags, field.key), around=_about(label, number))


def _measures(field: Field) -> tuple[FromClause, ColumnElement[bool]]:
    return evaluations.measured(_v.project, func.coalesce(_v.evaluated, _v.evaluation), field.key)


def _measured(field: Field) -> ColumnElement[Any]:
    m, of_version = _measures(field)
    asked: ColumnElement[Any] = select(m.c[_ENDS[field.of]]).where(of_version).scalar_subquery()
    return asked


def _of_model(field: Field) -> Place:
    if field.kind == "attribute":
        return _M_PLACES[field.key]
    if field.kind == "metric":
        return Place(number=_measured(field), around=_versioned)
    if field.kind == "dataset":
        found = _of_version(field)
        return replace(found, around=lambda asked: _versioned(found.around(asked)))
    return _tagged(field, store.MODEL)


def _of_version(field: Field) -> Place:
    if field.kind == "attribute":
        return _V_PLACES[field.key]
    if field.kind == "metric":
        found = _measured(field)
        return Place(number=found, there=found.is_not(None))
    if field.kind == "dataset":
        return Place(text=_s.dataset if field.key == "name" else _s.of_version, around=_about(source, _v.version))
    return _tagged(field, _v.version)


_KINDS: frozenset[Kind] = frozenset(("metric", "tag", "dataset"))
MODELS = Things(Vocabulary("model", _M_TYPES, _KINDS, dataset_keys=("name", "version")), _of_model)
VERSIONS = Things(Vocabulary("version", _V_TYPES, _KINDS, dataset_keys=("name", "version")), _of_version)
_MANY = ("owner", "alias", "deprecated")
_OF_VERSIONS = ("state", "flavor", "author")
"""Of a model, what each of its versions has."""


class Finding:
    """A mixin of Models, which sets the attributes that are annotated here."""

    _rows: Rows
    _clock: Clock
    _evaluations: Evaluations

    def search(
        self, where: list[str] | None = None, order_by: str = "name", limit: int = 100, after: str | None = None
    ) -> Page[ModelState]:
        """Models that meet the conditions, such as `tags.team = ops and deprecated is null` or `metrics.auc > 0.7 and state = approved`;
        `limit` is at most 1000. A condition about state, alias, flavor, author, metrics or datasets is met by any version; which version
        meets several is asked of `search_versions`.

        Raises:
            Invalid: a condition, the order or the cursor is malformed; the message shows where.
        """
        project, now, words = caller().project, self._clock.now(), MODELS.vocabulary
        meets = MODELS.meet(parse_all(where or [], words), now)
        asked = select(_m.name).where(_m.project == bindparam("project"), _m.removed_at.is_(None), meets)
        keys = [key for order in checked(parse_order(order_by, words)) for key in keys_of(_ordered(MODELS, order), order)]
        part = Part(asked, (*keys, Key(_m.name, down=False)))

        def query(tx: Tx) -> Page[ModelState]:
            rows = page(tx, [part], {"project": project, "now": now}, limit, after)
            found = {known.name: known for known in store.all_models(tx, project, [row.name for row in rows.items])}
            models = [found[row.name] for row in rows.items]
            champions, newest = as_of.champions(tx, project), as_of.newest(tx, project, models, now)
            items = [state_of_model(known, champions.get(known.name), newest.get(known.name)) for known in models]
            return Page(items=items, next=rows.next)

        return self._rows.read(query)

    def search_versions(
        self, where: list[str] | None = None, order_by: str = "-registered_at", limit: int = 100, after: str | None = None
    ) -> Page[VersionLine]:
        """Versions of all models that meet the conditions, such as `metrics.auc > 0.7 and datasets.name = flights` or
        `state = approved and alias is null`; `limit` is at most 1000. `min(metrics.auc)` and `max(…)` are the ends of its interval.

        Raises:
            Invalid: a condition, the order or the cursor is malformed; the message shows where.
        """
        project, now, words = caller().project, self._clock.now(), VERSIONS.vocabulary
        meets = VERSIONS.meet(parse_all(where or [], words), now)
        of = version.join(model, and_(_m.project == _v.project, _m.name == _v.model))
        asked = select(version).select_from(of).where(_v.project == bindparam("project"), _v.removed_at.is_(None), meets)
        part = _versions(asked, parse_order(order_by, words))

        def query(tx: Tx) -> tuple[list[VersionLine], str | None]:
            rows = page(tx, [part], {"project": project, "now": now}, limit, after)
            return self._lines(tx, project, rows.items, now), rows.next

        items, more = self._rows.read(query)
        return Page(items=items, next=more)

    def _lines(self, tx: Tx, project: str, rows: Sequence[Any], now: Any) -> list[VersionLine]:
        """The rows as lines of a list, in their order."""
        read = as_of.with_models(tx, project, rows, now)
        checks = as_of.checks(tx, project, [made.ref for _, made in read], None)
        reports = self._evaluations.many([made.evaluation for _, made in read if made.evaluation])
        return [line_of(made, of.aliases, checks.get(str(made.ref)), reports.get(made.evaluation or "")) for of, made in read]


def _versions(asked: Select[Any], orders: Sequence[Order]) -> Part:
    """A list of versions; a metric by which they are ordered is joined: a query within would be asked once for each key."""
    keys: list[Key] = []
    for order in checked(orders):
        place = _ordered(VERSIONS, order)
        if order.field.kind == "metric":
            m, of_version = _measures(order.field)
            asked, place = asked.outerjoin(m, of_version), Place(number=m.c[_ENDS[order.field.of]])
        keys += keys_of(place, order)
    return Part(asked, (*keys, Key(_v.model, down=False), Key(_v.version, down=False)))


def _ordered(things: Things, order: Order) -> Place:
    several = (*_MANY, *_OF_VERSIONS) if things is MODELS else _MANY
    kinds = ("tag", "metric", "dataset") if things is MODELS else ("tag", "dataset")
    if order.field.kind in kinds or (order.field.kind == "attribute" and order.field.key in several):
        raise Invalid(f"cannot order by {order.field}", hint="a thing may have several, or they lie elsewhere", field="order_by")
    return things.place(order.field)
