"""Explanations: made from a registered version and stored tables, and kept."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from ostinato.explain import store
from ostinato.explain.types import Columns, GlobalExplanation, Kept, LocalExplanation, Scalar
from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.digest import digest_of
from ostinato.kernel.errors import Invalid, NotFound
from ostinato.kernel.family import Family
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.registry.service import Models
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.storage.tables.tables import Tables

METHODS: Family[Any] = Family("ostinato.explain.methods")
Made = TypeVar("Made", GlobalExplanation, LocalExplanation)
Found = TypeVar("Found", bound=GlobalExplanation | LocalExplanation)

_GLOBAL_ROWS = 5000
_BACKGROUND_ROWS = 100
_LISTED_MAX = 200


class Explanations:
    """The explanations of a project. Where a verb takes `model`, it is `late@7` or `late@champion`."""

    def __init__(self, *, rows: Rows, tables: Tables, ledger: Ledger, clock: Clock, models: Models) -> None:
        self._rows = rows
        self._tables = tables
        self._ledger = ledger
        self._clock = clock
        self._models = models

    def explain_global(
        self, model: str, data: str, label: str = "label", method: str = "permutation", parameters: dict[str, Any] | None = None
    ) -> GlobalExplanation:
        """Importance of a version's inputs, measured on the table with the digest `data`, which holds them and `label` (0 or 1).

        At most 5,000 of its rows are taken, always the same ones. Asked again, the answer is the one kept.

        Raises:
            Invalid: the table lacks an input or the label, or no row is labelled; or the method explains single answers.
            NotFound: there is no such version, table or method.
        """
        version = self._models.get(model)
        explainer = _method(method, "global", parameters)
        made_of = {"model": str(version.ref), "method": method, "parameters": dict(parameters or {}), "data": data}
        id_ = digest_of(made_of | {"label": label})[:32]
        known = self._stored(id_, GlobalExplanation)
        if known is not None:
            return known
        table = self._tables.read(data, [*version.signature.names, label])
        table = _sample(table.filter(table[label].is_valid()), _GLOBAL_ROWS)
        predict = self._models.scorer(str(version.ref)).predict
        loss, importances = explainer.importances(
            predict, columns_of(table, version.signature.names), table[label].to_numpy().astype(np.float64)
        )
        made = GlobalExplanation(
            id=id_,
            model=version.ref,
            method=method,
            parameters=dict(parameters or {}),
            data=data,
            rows=table.num_rows,
            loss=loss,
            importances=importances,
            made_at=self._clock.now(),
            made_by=caller().actor,
        )
        return self._store(made)

    def explain_local(
        self, model: str, row: dict[str, Scalar], background: str, method: str = "shapley", parameters: dict[str, Any] | None = None
    ) -> LocalExplanation:
        """Contribution of each input of `row` to its score, against a background: rows of the table with the digest `background`.

        At most 100 rows of the background are taken, always the same ones. Asked again, the answer is the one kept.

        Raises:
            Invalid: `row` or the background lacks an input; or the method explains whole models.
            NotFound: there is no such version, table or method.
        """
        version = self._models.get(model)
        explainer = _method(method, "local", parameters)
        names = version.signature.names
        if missing := [name for name in names if name not in row]:
            raise Invalid(f"no value for {missing[0]!r}", hint=f"inputs: {', '.join(names)}", field=f"row.{missing[0]}")
        given = {name: _finite_or_none(row[name]) for name in names}
        made_of = {
            "model": str(version.ref),
            "method": method,
            "parameters": dict(parameters or {}),
            "background": background,
            "row": given,
        }
        id_ = digest_of(made_of)[:32]
        known = self._stored(id_, LocalExplanation)
        if known is not None:
            return known
        table = _sample(self._tables.read(background, names), _BACKGROUND_ROWS)
        predict = self._models.scorer(str(version.ref)).predict
        base, score, contributions = explainer.contributions(predict, given, columns_of(table, names))
        made = LocalExplanation(
            id=id_,
            model=version.ref,
            method=method,
            parameters=dict(parameters or {}),
            background=background,
            rows=table.num_rows,
            row=given,
            base=base,
            score=score,
            contributions=contributions,
            made_at=self._clock.now(),
            made_by=caller().actor,
        )
        return self._store(made)

    def of(self, model: str, until: datetime | None = None) -> list[GlobalExplanation]:
        """The global explanations of a version, newest first; with `until`, those made up to then."""
        ref = str(self._models.resolve(model))
        return self._rows.read(lambda tx: store.of(tx, caller().project, ref, until))

    def of_answers(self, model: str, limit: int = 20, until: datetime | None = None) -> list[LocalExplanation]:
        """The newest `limit` (1 to 200) local explanations of a version, newest first; with `until`, those made up to then."""
        if not 1 <= limit <= _LISTED_MAX:
            raise Invalid(f"1 to {_LISTED_MAX} explanations can be listed at once, not {limit}", field="limit")
        ref = str(self._models.resolve(model))
        return self._rows.read(lambda tx: store.local(tx, caller().project, ref, limit, until))

    def get(self, explanation: str) -> GlobalExplanation:
        """The global explanation with this id.

        Raises:
            NotFound: there is none.
        """
        return _found(self._stored(explanation, GlobalExplanation), explanation)

    def get_local(self, explanation: str) -> LocalExplanation:
        """The local explanation with this id.

        Raises:
            NotFound: there is none.
        """
        return _found(self._stored(explanation, LocalExplanation), explanation)

    def kept(self, explanation: str) -> Kept:
        """The explanation with this id, of either kind.

        Raises:
            NotFound: there is none.
        """
        found = _found(self._rows.read(lambda tx: store.one(tx, caller().project, explanation)), explanation)
        return Kept(whole=found) if isinstance(found, GlobalExplanation) else Kept(answer=found)

    def _stored(self, id_: str, kind: type[Made]) -> Made | None:
        found = self._rows.read(lambda tx: store.one(tx, caller().project, id_))
        return found if isinstance(found, kind) else None

    def _store(self, made: Made) -> Made:
        project, scope = caller().project, "global" if isinstance(made, GlobalExplanation) else "local"

        def change(tx: Tx) -> Made:
            if store.one(tx, project, made.id) is None:
                store.add(tx, project, made)
                out = (Ref("explanation", made.id),)
                self._ledger.append(
                    tx, "model.explained", made.model, inputs=(made.model,), outputs=out, data={"method": made.method, "scope": scope}
                )
            return made

        return self._rows.write(change)


def _found(made: Found | None, name: str) -> Found:
    if made is None:
        raise NotFound(f"no explanation {name!r}", hint="explanations.of(model) lists those of a version")
    return made


def columns_of(table: pa.Table, names: list[str]) -> Columns:
    """Columns as a model takes them: numbers as floats with NaN for null, all else as objects."""
    return {name: _column(table[name]) for name in names}


def _column(column: pa.ChunkedArray) -> Any:
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)
    return np.array(column.to_pylist(), dtype=object)


def _finite_or_none(value: Scalar) -> Scalar:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _sample(table: pa.Table, most: int) -> pa.Table:
    """At most so many rows, spread over the table."""
    if not table.num_rows:
        raise Invalid("the table holds no row to explain with", hint="pass the digest of a table with labelled rows", field="data")
    rows = np.unique(np.linspace(0, table.num_rows - 1, min(most, table.num_rows)).round().astype(np.int64))
    return table.take(rows)


def _method(name: str, scope: str, parameters: dict[str, Any] | None) -> Any:
    if METHODS.get(name).scope != scope:
        fitting = [n for n in METHODS.names() if METHODS.get(n).scope == scope]
        raise Invalid(f"{name} is not a {scope} explanation", hint=f"one of: {', '.join(fitting)}", field="method")
    return METHODS.make(name, parameters)
