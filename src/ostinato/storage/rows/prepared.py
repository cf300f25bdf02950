"""Prepared: a statement compiled once per database, for the paths where compiling or looking up again would cost more than running."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import ClauseElement, Float, Insert
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.compiler import SQLCompiler

Process = Callable[[Any], Any]


class Prepared:
    """A statement of SQLAlchemy Core for `Tx.run` and `Tx.fetch`: a fifth of the CPU of `Tx.execute`.

    A row must give every parameter: of an insert all columns of `keys`, by default all of the table (Python-side defaults are not
    applied); of anything else its `bindparam`s. What stands in the statement as a constant stays. An insert with `missing` passes
    over a row whose unique key is there. Lists that expand (`in_`) cannot be prepared.
    """

    __slots__ = ("_forms", "_keys", "_missing", "_statement")

    def __init__(self, statement: ClauseElement, keys: tuple[str, ...] | None = None, *, missing: bool = False) -> None:
        self._statement = statement
        self._keys = keys
        self._missing = missing
        self._forms: dict[str, Form] = {}

    def form(self, dialect: Dialect) -> Form:
        """The statement as a database takes it."""
        found = self._forms.get(dialect.name)
        if found is None:
            found = self._forms[dialect.name] = self._compile(dialect)
        return found

    def _compile(self, dialect: Dialect) -> Form:
        statement = self._statement
        if isinstance(statement, Insert):
            statement = statement.inline()  # no RETURNING of its own for a key that the database makes
        compiled = statement.compile(dialect=dialect, column_keys=None if self._keys is None else list(self._keys))
        assert isinstance(compiled, SQLCompiler)
        if compiled.post_compile_params:
            raise TypeError(f"a list that expands cannot be prepared: {compiled.string}")
        sql = compiled.string + " ON CONFLICT DO NOTHING" * self._missing  # the same words in SQLite and PostgreSQL
        binds = [compiled.binds[name] for name in compiled.positiontup or ()]
        constants = {b.key: b.effective_value for b in binds if not b.required}
        into: list[Process | None] = [bind.type.dialect_impl(dialect).bind_processor(dialect) for bind in binds]
        columns = getattr(statement, "exported_columns", ())
        out: list[Process | None] = [
            None if isinstance(column.type, Float) else column.type.dialect_impl(dialect).result_processor(dialect, None)
            for column in columns
        ]  # a float comes as one from every driver
        return Form(sql, [bind.key for bind in binds], constants, into, out)


class Form:
    """A statement in the words of one database, with what turns rows into its parameters and its results into values."""

    __slots__ = ("_constants", "_into", "_out", "_pick", "sql")

    def __init__(
        self, sql: str, keys: list[str], constants: Mapping[str, Any], into: list[Process | None], out: list[Process | None]
    ) -> None:
        self.sql = sql
        self._constants = dict(constants)
        self._pick = _picker(keys)
        self._into = [(place, process) for place, process in enumerate(into) if process is not None]
        self._out = [(place, process) for place, process in enumerate(out) if process is not None]

    def values(self, row: Mapping[str, Any]) -> Sequence[Any]:
        """The parameters, in their order."""
        picked = self._pick({**self._constants, **row} if self._constants else row)
        if not self._into:
            return picked
        values = list(picked)
        for place, process in self._into:
            values[place] = process(values[place])
        return values

    def results(self, found: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """The rows of a result, as values of their types."""
        if not self._out:
            return found
        rows = [list(row) for row in found]
        for row in rows:
            for place, process in self._out:
                row[place] = process(row[place])
        return [tuple(row) for row in rows]


def _picker(keys: list[str]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    if len(keys) > 1:
        return itemgetter(*keys)
    return lambda row: tuple(row[key] for key in keys)
