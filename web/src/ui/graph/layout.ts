import { coordGreedy, decrossTwoLayer, graphConnect, layeringSimplex, sugiyama } from "d3-dag";
import { BOX } from "./box";
import type { GraphData } from "./narrow";

const GAP = { x: 64, y: 16 };

export interface Laid {
  width: number;
  height: number;
  /** The left upper corner of each node. */
  at: Record<string, { x: number; y: number }>;
  /** The way of each edge, as an SVG path that passes under no box. */
  ways: { from: string; to: string; path: string }[];
}

type Link = readonly [string, string];

/** From left to right, in columns; nodes without edges stand below. */
export function layout({ nodes, edges }: Pick<GraphData, "nodes" | "edges">): Laid {
  const known = new Set(nodes.map(({ id }) => id));
  const links = edges.filter(([from, to]) => from !== to && known.has(from) && known.has(to));
  const at: Laid["at"] = {};
  const ways: Laid["ways"] = [];
  let size = { width: 0, height: 0 };
  if (links.length > 0) {
    const graph = graphConnect()
      .sourceId(([from]: Link) => from)
      .targetId(([, to]: Link) => to)(links);
    const arrange = sugiyama()
      .layering(layeringSimplex())
      .decross(decrossTwoLayer())
      .coord(coordGreedy())
      // d3-dag lays out downwards; its x is our y.
      .nodeSize([BOX.height, BOX.width])
      .gap([GAP.y, GAP.x]);
    const { width, height } = arrange(graph);
    size = { width: height, height: width };
    for (const node of graph.nodes()) at[node.data] = { x: node.y - BOX.width / 2, y: node.x - BOX.height / 2 };
    for (const { source, target, points } of graph.links()) {
      ways.push({ from: source.data, to: target.data, path: route(points.map(([y, x]) => [x, y])) });
    }
  }
  return lone(
    nodes.map(({ id }) => id).filter((id) => !at[id]),
    at,
    ways,
    size,
  );
}

/** Level across each column, curved only in the gap between two: an edge so drawn never passes under a box. */
export function route(points: readonly (readonly [x: number, y: number])[]): string {
  const half = BOX.width / 2;
  return points
    .map(([x, y], i) => {
      const before = points[i - 1];
      if (!before) return `M${x + half} ${y}`;
      const [from, to] = [before[0] + half, x - half];
      const middle = (from + to) / 2;
      const curve = `C${middle} ${before[1]} ${middle} ${y} ${to} ${y}`;
      return i === points.length - 1 ? curve : `${curve}H${x + half}`;
    })
    .join("");
}

function lone(
  ids: readonly string[],
  at: Laid["at"],
  ways: Laid["ways"],
  { width, height }: { width: number; height: number },
): Laid {
  const columns = Math.max(
    1,
    Math.floor((width + GAP.x) / (BOX.width + GAP.x)),
    width === 0 ? Math.ceil(Math.sqrt(ids.length)) : 1,
  );
  const top = height === 0 ? 0 : height + GAP.y * 2;
  ids.forEach((id, i) => {
    at[id] = { x: (i % columns) * (BOX.width + GAP.x), y: top + Math.floor(i / columns) * (BOX.height + GAP.y) };
  });
  const rows = Math.ceil(ids.length / columns);
  return {
    at,
    ways,
    width: Math.max(width, Math.min(ids.length, columns) * (BOX.width + GAP.x) - (ids.length ? GAP.x : 0)),
    height: ids.length ? top + rows * (BOX.height + GAP.y) - GAP.y : height,
  };
}
