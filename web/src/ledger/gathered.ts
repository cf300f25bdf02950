import { parse } from "../kernel/ref";
import type { GraphData, GraphNode } from "../ui/graph/narrow";

/** A graph in which much stands for one: what each node of it holds, itself alone or those that it was gathered from. */
export interface Gathered extends GraphData {
  members: ReadonlyMap<string, readonly string[]>;
}

const ALIKE_MIN = 3;

/**
 * Fewer nodes that say as much: the versions of one thing become one, and then all of a kind that have the same
 * place in the story.
 * The node in view and what was `opened` stay as they are.
 */
export function gathered({ nodes, edges }: GraphData, focus: string, opened: readonly string[]): Gathered {
  const single: Gathered = { nodes, edges, members: new Map(nodes.map(({ id }) => [id, [id]])) };
  const versions = merged(
    single,
    2,
    ({ id }) => {
      const ref = parse(id);
      return id !== focus && ref?.at !== undefined ? `${ref.kind}:${ref.name}` : undefined;
    },
    opened,
  );
  const places = placesOf(versions, focus);
  return merged(
    versions,
    ALIKE_MIN,
    ({ id, kind }) => (id === focus ? undefined : `${kind} ${places.get(id)}`),
    opened,
  );
}

/** The name of a group: those that are in it, by the first; it holds while they do, and so can stand in an address. */
export function groupId(ids: readonly string[]): string {
  return `${[...ids].sort()[0]}…${ids.length}`;
}

function merged(
  { nodes, edges, members }: Gathered,
  least: number,
  key: (node: GraphNode) => string | undefined,
  opened: readonly string[],
): Gathered {
  const groups = new Map<string, GraphNode[]>();
  for (const node of nodes) {
    const name = key(node);
    if (name !== undefined) groups.set(name, [...(groups.get(name) ?? []), node]);
  }
  const home = new Map<string, string>();
  const made: GraphNode[] = [];
  const holds = new Map(members);
  for (const group of groups.values()) {
    const ids = group.flatMap(({ id }) => members.get(id) ?? []);
    const id = groupId(ids);
    if (group.length < least || opened.includes(id)) continue;
    for (const one of group) {
      home.set(one.id, id);
      holds.delete(one.id);
    }
    holds.set(id, ids);
    made.push(groupNode(id, ids));
  }
  const at = (id: string) => home.get(id) ?? id;
  const pairs = new Map(
    edges
      .map(([from, to]) => [at(from), at(to)] as const)
      .filter(([from, to]) => from !== to)
      .map((pair) => [pair.join(" "), pair]),
  );
  return { nodes: [...nodes.filter(({ id }) => !home.has(id)), ...made], edges: [...pairs.values()], members: holds };
}

function groupNode(id: string, ids: readonly string[]): GraphNode {
  const refs = ids.map((one) => parse(one));
  const kind = refs[0]?.kind ?? "";
  const names = new Set(refs.map((ref) => ref?.name));
  const label = names.size === 1 ? (refs[0]?.name ?? id) : `${ids.length} ${plural(kind)}`;
  return { id, kind, label, ...(names.size === 1 && { note: `${ids.length} versions` }) };
}

export function plural(noun: string): string {
  return /[^aeiou]y$/.test(noun) ? `${noun.slice(0, -1)}ies` : `${noun}s`;
}

/**
 * The place of each node in the story: two of a kind have the same if they come from, and lead to, nodes in the same places, whatever their
 * number. Places are told apart step by step, beginning with the kinds, until no step tells any more.
 */
function placesOf({ nodes, edges }: GraphData, focus: string): ReadonlyMap<string, string> {
  const from = new Map<string, string[]>();
  const to = new Map<string, string[]>();
  for (const [a, b] of edges) {
    to.set(a, [...(to.get(a) ?? []), b]);
    from.set(b, [...(from.get(b) ?? []), a]);
  }
  let places = new Map(nodes.map(({ id, kind }) => [id, id === focus ? "focus" : kind]));
  for (let count = 0; ; ) {
    const numbers = new Map<string, string>();
    const around = (ids: readonly string[] = []) => [...new Set(ids.map((id) => places.get(id)))].sort().join(" ");
    const next = new Map(
      nodes.map(({ id }) => {
        const said = `${places.get(id)}; ${around(from.get(id))}; ${around(to.get(id))}`;
        if (!numbers.has(said)) numbers.set(said, String(numbers.size));
        return [id, numbers.get(said) ?? ""];
      }),
    );
    if (numbers.size === count) return places;
    count = numbers.size;
    places = next;
  }
}
