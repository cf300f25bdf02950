"""Matching: rows whose text holds what somebody typed, small and capital letters alike, the best first."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, ColumnExpressionArgument, Select, and_, case, func, or_


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


def _escaped(typed: str) -> str:
    return typed.replace("/", "//").replace("%", "/%").replace("_", "/_")
