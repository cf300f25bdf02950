"""Page: one page of a long listing, with the cursor of the next one."""

from __future__ import annotations

from typing import Generic, TypeVar

from ostinato.kernel.frozen import frozen

T = TypeVar("T")


@frozen
class Page(Generic[T]):
    """`items`, and `next`: the cursor to pass as `after` for what follows; None at the end."""

    items: list[T]
    next: str | None = None
