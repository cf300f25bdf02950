"""Cells: one value within a column of JSON, as the database sees it, so that it can compare and order by it."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import ColumnElement, Float, Text, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class _Cell(FunctionElement[Any]):
    """What is found under a key, in the words of each database for what was `found` and of which `kind` it is.

    SQLite finds no key with a double quote by its path, and looks through `each` for it.
    """

    inherit_cache = True
    each = False
    on_sqlite: str
    on_postgresql: str

    def __init__(self, column: ColumnElement[Any], key: str) -> None:
        # SQLite compares the key with the label as it stands in the column, where all but ASCII is escaped
        super().__init__(column, literal(key, Text), literal(f"$.{json.dumps(key)}", Text))


class _Number(_Cell):
    type = Float()
    inherit_cache = True
    on_sqlite = "CASE WHEN {kind} IN ('integer', 'real') THEN CAST({found} AS REAL) END"
    on_postgresql = "CASE WHEN {kind} = 'number' THEN CAST({found} AS double precision) END"


class _Text(_Cell):
    type = Text()
    inherit_cache = True
    on_sqlite = "CASE {kind} WHEN 'text' THEN {found} WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' END"
    on_postgresql = "CASE WHEN {kind} IN ('string', 'boolean') THEN {found} END"


class _NumberOfEach(_Number):
    inherit_cache = True
    each = True


class _TextOfEach(_Text):
    inherit_cache = True
    each = True


def number_in(column: ColumnElement[Any], key: str) -> ColumnElement[Any]:
    """The number under `key` of an object in a column; NULL where there is none, or something else."""
    return (_NumberOfEach if '"' in key else _Number)(column, key)


def text_in(column: ColumnElement[Any], key: str) -> ColumnElement[Any]:
    """The text under `key` of an object in a column, `true` and `false` as text as well; NULL where there is none, or something else."""
    return (_TextOfEach if '"' in key else _Text)(column, key)


@compiles(_Cell)
def _in_json(element: _Cell, compiler: SQLCompiler, **also: Any) -> str:
    column, key, path = element.clauses
    if element.each:
        inside = f"FROM json_each({compiler.process(column, **also)}) WHERE key = {compiler.process(key, **also)}"
        return element.on_sqlite.format(found=f"(SELECT value {inside})", kind=f"(SELECT type {inside})")
    place = f"({compiler.process(column, **also)}, {compiler.process(path, **also)})"
    return element.on_sqlite.format(found=f"json_extract{place}", kind=f"json_type{place}")


@compiles(_Cell, "postgresql")
def _in_jsonb(element: _Cell, compiler: SQLCompiler, **also: Any) -> str:
    column, key, _ = (compiler.process(clause, **also) for clause in element.clauses)
    value = f"CAST({column} AS jsonb)"
    return element.on_postgresql.format(found=f"({value} ->> {key})", kind=f"jsonb_typeof({value} -> {key})")
