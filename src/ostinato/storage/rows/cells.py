"""Cells: one value within a column of JSON, as the database sees it, so that it can compare and order by it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Float, Text, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from ostinato.kernel.errors import Invalid


class _Cell(FunctionElement[Any]):
    inherit_cache = True

    def __init__(self, column: ColumnElement[Any], key: str) -> None:
        if '"' in key:
            raise Invalid(f"{key!r} holds a double quote", hint="the database cannot look for it")
        super().__init__(column, literal(key, Text), literal(f'$."{key}"', Text))


class number_in(_Cell):  # noqa: N801 — it is used as a function
    """The number under `key` of an object in a column; NULL where there is none, or something else."""

    type = Float()
    inherit_cache = True


class text_in(_Cell):  # noqa: N801 — it is used as a function
    """The text under `key` of an object in a column, `true` and `false` as text as well; NULL where there is none, or something else."""

    type = Text()
    inherit_cache = True


@compiles(number_in)
def _number(element: number_in, compiler: SQLCompiler, **also: Any) -> str:
    found, kind = _of(element, compiler, also)
    return f"CASE WHEN {kind} IN ('integer', 'real') THEN {found} END"


@compiles(number_in, "postgresql")
def _number_of_jsonb(element: number_in, compiler: SQLCompiler, **also: Any) -> str:
    found, kind = _of_jsonb(element, compiler, also)
    return f"CASE WHEN {kind} = 'number' THEN CAST({found} AS double precision) END"


@compiles(text_in)
def _text(element: text_in, compiler: SQLCompiler, **also: Any) -> str:
    found, kind = _of(element, compiler, also)
    return f"CASE {kind} WHEN 'text' THEN {found} WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' END"


@compiles(text_in, "postgresql")
def _text_of_jsonb(element: text_in, compiler: SQLCompiler, **also: Any) -> str:
    found, kind = _of_jsonb(element, compiler, also)
    return f"CASE WHEN {kind} IN ('string', 'boolean') THEN {found} END"


def _of(element: _Cell, compiler: SQLCompiler, also: dict[str, Any]) -> tuple[str, str]:
    """The value and its type, in SQLite."""
    column, _, path = element.clauses
    place = f"({compiler.process(column, **also)}, {compiler.process(path, **also)})"
    return f"json_extract{place}", f"json_type{place}"


def _of_jsonb(element: _Cell, compiler: SQLCompiler, also: dict[str, Any]) -> tuple[str, str]:
    """The value as text and its type, in PostgreSQL."""
    column, key, _ = (compiler.process(clause, **also) for clause in element.clauses)
    return f"(CAST({column} AS jsonb) ->> {key})", f"jsonb_typeof(CAST({column} AS jsonb) -> {key})"
