"""The total usage of a trace. If a span reports what all spans below it used, those are not counted again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from ostinato.traces.store import Node
from ostinato.traces.types import Usage

N = TypeVar("N", int, float)


def total(nodes: Sequence[Node]) -> Usage:
    """The usage of a trace. Tokens and cost are looked at apart: a span may say the one and not the other.

    >>> from ostinato.traces.store import Node
    >>> from ostinato.traces.types import Usage
    >>> said = Usage(input_tokens=3, output_tokens=2, total_tokens=5)
    >>> total([Node("a", None, said), Node("b", "a", said)]).total_tokens, total([Node("b", "a", said), Node("c", "a", said)]).total_tokens
    (5, 10)
    """
    parents = {node.id: node.parent for node in nodes}
    counted = _topmost(nodes, parents, lambda node: node.usage.total_tokens is not None)
    paid = _topmost(nodes, parents, lambda node: node.usage.cost is not None)
    return Usage(
        input_tokens=_sum([node.usage.input_tokens for node in counted]),
        output_tokens=_sum([node.usage.output_tokens for node in counted]),
        total_tokens=_sum([node.usage.total_tokens for node in counted]),
        cost=_sum([node.usage.cost for node in paid]),
    )


def _topmost(nodes: Sequence[Node], parents: dict[str, str | None], says: Callable[[Node], bool]) -> list[Node]:
    """The nodes that say something, and above which none does."""
    saying = {node.id for node in nodes if says(node)}
    below: dict[str, bool] = {}

    def covered(id_: str) -> bool:
        walked: dict[str, None] = {}  # a ring of parents ends the walk
        at = parents.get(id_)
        while at is not None and at != id_ and at not in below and at not in saying and at not in walked:
            walked[at] = None
            at = parents.get(at)
        found = at is not None and at != id_ and (at in saying or below.get(at, False))
        below.update(dict.fromkeys(walked, found))
        return found

    return [node for node in nodes if node.id in saying and not covered(node.id)] if saying else []


def _sum(values: Sequence[N | None]) -> N | None:
    found = [value for value in values if value is not None]
    return sum(found) if found else None
