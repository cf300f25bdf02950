import { expect, test } from "vitest";
import { parse } from "../kernel/ref";
import type { GraphData } from "../ui/graph/narrow";
import { gathered, groupId, plural } from "./gathered";

function graph(...edges: (readonly [string, string])[]): GraphData {
  const ids = [...new Set(edges.flat())];
  return { nodes: ids.map((id) => ({ id, kind: parse(id)?.kind ?? "", label: parse(id)?.name ?? id })), edges };
}

const story = graph(
  ["source:jan.csv@1", "dataset:flights@1"],
  ["source:feb.csv@1", "dataset:flights@2"],
  ["source:mar.csv@1", "dataset:flights@3"],
  ["dataset:flights@1", "model:late@1"],
  ["dataset:flights@2", "model:late@1"],
  ["dataset:flights@3", "model:late@1"],
  ["model:late@1", "endpoint:late"],
);

test("the versions of one dataset are one node, and so are the files that they came from", () => {
  const { nodes, edges, members } = gathered(story, "model:late@1", []);
  expect(nodes.map(({ label, note }) => [label, note])).toEqual([
    ["late", undefined],
    ["late", undefined],
    ["flights", "3 versions"],
    ["3 sources", undefined],
  ]);
  expect(edges).toHaveLength(3);
  expect(members.get("model:late@1")).toEqual(["model:late@1"]);
});

test("what is opened stands apart, and so does what the picture is about", () => {
  const group = groupId(["dataset:flights@1", "dataset:flights@2", "dataset:flights@3"]);
  const open = gathered(story, "model:late@1", [group]);
  expect(open.nodes.filter(({ kind }) => kind === "dataset")).toHaveLength(3);
  const focused = gathered(story, "dataset:flights@2", []);
  expect(focused.nodes.map(({ id }) => id)).toContain("dataset:flights@2");
  expect(focused.nodes.filter(({ kind }) => kind === "dataset")).toHaveLength(2);
});

test("chains that run beside each other are one chain", () => {
  const { nodes, edges } = gathered(
    graph(
      ...["a", "b", "c"].flatMap(
        (name) =>
          [
            ["endpoint:late", `window:${name}`],
            [`window:${name}`, `alert:${name}`],
          ] as const,
      ),
    ),
    "endpoint:late",
    [],
  );
  expect(nodes.map(({ label }) => label)).toEqual(["late", "3 windows", "3 alerts"]);
  expect(edges).toHaveLength(2);
});

test("few alike stand for themselves", () => {
  const two = graph(["window:a", "finding:1"], ["window:a", "finding:2"]);
  expect(gathered(two, "window:a", []).nodes).toHaveLength(3);
  expect(plural("policy")).toBe("policies");
});
