import type { Span } from "./words";

export interface Node {
  span: Span;
  depth: number;
}

/** Spans as a tree from top to bottom, children below their parents in the order in which they began; who lost its parent is a root. */
export function tree(spans: readonly Span[]): Node[] {
  const ids = new Set(spans.map(({ id }) => id));
  const below = new Map<string, Span[]>();
  for (const span of spans) {
    const parent = span.parent && ids.has(span.parent) ? span.parent : "";
    below.set(parent, [...(below.get(parent) ?? []), span]);
  }
  const nodes: Node[] = [];
  const seen = new Set<string>();
  const walk = (parent: string) => {
    const waiting = [{ parent, depth: 0 }].flatMap(({ depth }) => children(below, parent, depth));
    while (waiting.length > 0) {
      const node = waiting.shift() as Node;
      if (seen.has(node.span.id)) continue;
      seen.add(node.span.id);
      nodes.push(node);
      waiting.unshift(...children(below, node.span.id, node.depth + 1));
    }
  };
  walk("");
  for (const span of spans) {
    if (seen.has(span.id)) continue; // a ring of parents hangs on no root
    seen.add(span.id);
    nodes.push({ span, depth: 0 });
    walk(span.id);
  }
  return nodes;
}

function children(below: ReadonlyMap<string, readonly Span[]>, parent: string, depth: number): Node[] {
  return [...(below.get(parent) ?? [])].sort((a, b) => a.offset_ms - b.offset_ms).map((span) => ({ span, depth }));
}

/** How far all spans reach from the beginning of the trace, in milliseconds. */
export function reach(spans: readonly Span[]): { from: number; to: number } {
  const from = Math.min(0, ...spans.map(({ offset_ms }) => offset_ms));
  const to = Math.max(...spans.map(({ offset_ms, duration_ms }) => offset_ms + (duration_ms ?? 0)), from);
  return { from, to: to > from ? to : from + 1 };
}
