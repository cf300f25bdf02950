import { expect, test } from "vitest";
import { BOX } from "./box";
import { layout, route } from "./layout";
import { fold, type GraphData, narrow } from "./narrow";

const node = (id: string) => ({ id, kind: "run", label: id });
const chain: GraphData = {
  nodes: ["a", "b", "c", "d", "e", "x"].map(node),
  edges: [
    ["a", "b"],
    ["b", "c"],
    ["c", "d"],
    ["d", "e"],
    ["b", "x"],
    ["a", "b"],
  ],
};

test("only the neighbourhood is shown, and how much is beyond", () => {
  const { nodes, edges, more } = narrow(chain, "c", 1);
  expect(nodes.map(({ id }) => id)).toEqual(["b", "c", "d"]);
  expect(edges).toEqual([
    ["b", "c"],
    ["c", "d"],
  ]);
  expect(Object.fromEntries(more)).toEqual({ b: 2, d: 1 });
});

test("without a focus that exists all is shown, each edge once", () => {
  expect(narrow(chain, "nobody", 1).nodes).toHaveLength(6);
  expect(narrow(chain, undefined, 1).edges).toHaveLength(5);
});

test("versions fold into one node", () => {
  const { nodes, edges } = fold(chain, ({ id }) => ("ab".includes(id) ? "ab" : id));
  expect(nodes[0]).toMatchObject({ id: "ab", note: "2 folded" });
  expect(edges).toEqual([
    ["ab", "c"],
    ["c", "d"],
    ["d", "e"],
    ["ab", "x"],
  ]);
});

test("columns go from left to right and no two boxes overlap", () => {
  const nodes = Array.from({ length: 60 }, (_, i) => node(`${i}`));
  const edges = nodes.slice(1, 55).map((_, i) => [`${Math.floor(i / 3)}`, `${i + 1}`] as const);
  const { at, ways, width, height } = layout({ nodes, edges });
  const places = Object.values(at);
  expect(places).toHaveLength(60);
  expect(ways).toHaveLength(edges.length);
  for (const [from, to] of edges) expect(at[from]?.x).toBeLessThan(at[to]?.x ?? 0);
  places.forEach((a, i) => {
    expect(a.x + BOX.width).toBeLessThanOrEqual(width + 0.5);
    expect(a.y + BOX.height).toBeLessThanOrEqual(height + 0.5);
    for (const b of places.slice(i + 1)) {
      expect(Math.abs(a.x - b.x) >= BOX.width || Math.abs(a.y - b.y) >= BOX.height).toBe(true);
    }
  });
});

test("an edge is level across the columns that it passes", () => {
  expect(
    route([
      [0, 0],
      [300, 50],
      [600, 0],
    ]),
  ).toBe("M92 0C150 0 150 50 208 50H392C450 50 450 0 508 0");
});

test("a circle and an edge to itself do not stop the layout", () => {
  const { ways } = layout({
    nodes: [node("a"), node("b")],
    edges: [
      ["a", "b"],
      ["b", "a"],
      ["a", "a"],
    ],
  });
  expect(ways.length).toBeGreaterThan(0);
});
