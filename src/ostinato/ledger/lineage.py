"""Lineage: a walk along the edges that the events draw, breadth first, one query per level."""

from __future__ import annotations

from datetime import datetime

from ostinato.kernel.errors import Invalid
from ostinato.kernel.ref import Ref
from ostinato.ledger import store
from ostinato.ledger.types import Edge, Graph
from ostinato.storage.rows.rows import Tx

_EDGES_MAX = 20_000


def walk(tx: Tx, project: str, start: Ref, direction: str, depth: int, at: datetime | None) -> Graph:
    """Causes (`up`) or effects (`down`) of `start`. Cycles are walked once; the walk stops after 20,000 edges."""
    if direction not in ("up", "down"):
        hint = "up (what it was made from) or down (what was made from it)"
        raise Invalid(f"no such direction: {direction!r}", hint=hint, field="direction")
    nodes, edges = {start: None}, dict[tuple[Ref, Ref, int], Edge]()
    frontier, whole = [start], True
    for _ in range(depth):
        found, complete = store.edges(tx, project, direction == "up", [str(ref) for ref in frontier], at, _EDGES_MAX + 1 - len(edges))
        frontier, whole = [], whole and complete
        for edge in found:
            edges[edge.source, edge.target, edge.seq] = edge
            far = edge.source if direction == "up" else edge.target
            if far not in nodes:
                nodes[far] = None
                frontier.append(far)
        if not frontier or len(edges) > _EDGES_MAX:
            break
    cut = bool(frontier) or not whole or len(edges) > _EDGES_MAX
    return Graph(nodes=list(nodes), edges=sorted(edges.values(), key=lambda edge: edge.seq), truncated=cut)
