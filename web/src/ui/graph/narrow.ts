export interface GraphNode {
  id: string;
  /** The noun: dataset, run, model. */
  kind: string;
  label: string;
  /** A second line: version, state, count. */
  note?: string;
  state?: "ok" | "warn" | "bad" | "info" | "waiting" | "idle" | "running";
}

export interface GraphData {
  nodes: readonly GraphNode[];
  /** From what was there first to what came of it. */
  edges: readonly (readonly [from: string, to: string])[];
}

export interface Narrowed extends GraphData {
  /** How many neighbours of a node are out of sight. */
  more: ReadonlyMap<string, number>;
}

/** What lies within so many steps of a node, up or down; nothing beyond, but its number. */
export function narrow({ nodes, edges: given }: GraphData, focus: string | undefined, hops: number): Narrowed {
  const edges = [...new Map(given.map((edge) => [edge.join(" "), edge])).values()];
  if (focus === undefined || !nodes.some(({ id }) => id === focus)) return { nodes, edges, more: new Map() };
  const near = new Set([focus]);
  // Up from what is up and down from what is down: the siblings of an ancestor are not lineage.
  for (const [from, to] of [
    [0, 1],
    [1, 0],
  ] as const) {
    let edge = new Set([focus]);
    for (let step = 0; step < hops; step++) {
      edge = new Set(edges.filter((pair) => edge.has(pair[from])).map((pair) => pair[to]));
      for (const id of edge) near.add(id);
    }
  }
  const more = new Map<string, number>();
  for (const [from, to] of edges) {
    if (near.has(from) === near.has(to)) continue;
    const seen = near.has(from) ? from : to;
    more.set(seen, (more.get(seen) ?? 0) + 1);
  }
  return {
    nodes: nodes.filter(({ id }) => near.has(id)),
    edges: edges.filter(([from, to]) => near.has(from) && near.has(to)),
    more,
  };
}

/** One node in place of all that share a key, such as the versions of a dataset. */
export function fold({ nodes, edges }: GraphData, key: (node: GraphNode) => string): GraphData {
  const groups = new Map<string, GraphNode[]>();
  for (const node of nodes) groups.set(key(node), [...(groups.get(key(node)) ?? []), node]);
  const home = new Map(nodes.map((node) => [node.id, key(node)]));
  const folded = [...groups].map(([id, [first, ...rest]]) =>
    first && rest.length > 0 ? { ...first, id, note: `${rest.length + 1} folded` } : { ...(first as GraphNode), id },
  );
  const pairs = new Map<string, readonly [string, string]>();
  for (const [from, to] of edges) {
    const [a, b] = [home.get(from), home.get(to)];
    if (a !== undefined && b !== undefined && a !== b) pairs.set(`${a} ${b}`, [a, b]);
  }
  return { nodes: folded, edges: [...pairs.values()] };
}
