"""Matching: rows whose text holds what somebody typed, small and capital letters alike, the best first."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, ColumnElement, ColumnExpressionArgument, Select, Text, and_, case, func, literal, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


def matching(query: Select[Any], typed: str, *columns: ColumnElement[str], recent: ColumnExpressionArgument[Any]) -> Select[Any]:
    """The rows of `query` with the text in one of `columns`; first where the first column is the text, then where it begins so,
    and among equals the `recent` first."""
    low, pattern = func.lower(typed), _escaped(typed)
    name = func.lower(columns[0])
    held = or_(*(func.lower(column).like(func.lower(f"%{pattern}%"), escape="/") for column in columns))
    rank = case((name == low, 0), (name.like(func.lower(f"{pattern}%"), escape="/"), 1), else_=2)
    return query.where(held).order_by(rank, recent)


def beginning(column: ColumnElement[str], typed: str) -> ColumnElement[bool]:
    """Whether an id, of letters and digits, begins with the text: a range of its index in every database."""
    return and_(column >= typed, column <= typed + "z" * 8)


class holding(FunctionElement[bool]):  # noqa: N801 — it is used as a function
    """Whether a text holds another, small and capital letters alike; in SQLite those of ASCII, which `LIKE` by itself takes for alike."""

    type = Boolean()
    inherit_cache = True

    def __init__(self, column: ColumnElement[Any], typed: str) -> None:
        super().__init__(column, literal(f"%{_escaped(typed)}%", Text))


@compiles(holding)
def _holding(element: holding, compiler: SQLCompiler, **also: Any) -> str:
    column, pattern = (compiler.process(clause, **also) for clause in element.clauses)
    return f"({column} LIKE {pattern} ESCAPE '/')"


@compiles(holding, "postgresql")
def _holding_in_postgres(element: holding, compiler: SQLCompiler, **also: Any) -> str:
    column, pattern = (compiler.process(clause, **also) for clause in element.clauses)
    return f"(lower({column}) LIKE lower({pattern}) ESCAPE '/')"


class alike(FunctionElement[bool]):  # noqa: N801 — it is used as a function
    """Whether a text looks like a pattern in which `%` stands for any characters and `_` for any one; nothing escapes them.

    Letters are told from capital ones in every database, unless `folded`.
    """

    type = Boolean()
    inherit_cache = True

    def __init__(self, column: ColumnElement[Any], pattern: str, *, folded: bool = False) -> None:
        if folded:
            column, pattern = func.lower(column), "".join(c.lower() if c.isascii() else c for c in pattern)
        globbed = "".join(f"[{c}]" if c in "*?[" else {"%": "*", "_": "?"}.get(c, c) for c in pattern)
        super().__init__(column, literal(pattern, Text), literal(globbed, Text))


@compiles(alike)
def _alike(element: alike, compiler: SQLCompiler, **also: Any) -> str:
    column, _, pattern = (compiler.process(clause, **also) for clause in element.clauses)
    return f"({column} GLOB {pattern})"


@compiles(alike, "postgresql")
def _alike_in_postgres(element: alike, compiler: SQLCompiler, **also: Any) -> str:
    column, pattern, _ = (compiler.process(clause, **also) for clause in element.clauses)
    return f"({column} LIKE {pattern} ESCAPE '')"


def _escaped(typed: str) -> str:
    return typed.replace("/", "//").replace("%", "/%").replace("_", "/_")
