"""Page: one page of a long listing, with the cursor of the next one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """`items`, and `next`: the cursor to pass as `after` for what follows; None at the end."""

    items: list[T]
    next: str | None = None
