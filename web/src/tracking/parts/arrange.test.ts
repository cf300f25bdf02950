import { expect, test } from "vitest";
import type { Comparison } from "../queries";
import { arrangement, places, valuesOf } from "./arrange";

const metric = (last: number | "nan") => ({ last, step: 0, at: "2013-01-01T00:00:00Z", min: null, max: null, n: 1 });
const comparison = {
  runs: [{ id: "a" }, { id: "b" }, { id: "c" }],
  differing: [{ what: "params.depth", values: [10, 9, null] }],
  same: { "params.seed": 7 },
  metrics: [{ key: "auc", values: [metric(0.7), metric("nan"), metric(0.9)] }],
} as unknown as Comparison;

test("runs are ordered by a line, what has no value last either way", () => {
  expect(arrangement(comparison, "")).toEqual([0, 1, 2]);
  expect(arrangement(comparison, "-metrics.auc")).toEqual([2, 0, 1]);
  expect(arrangement(comparison, "metrics.auc")).toEqual([0, 2, 1]);
  expect(arrangement(comparison, "params.depth")).toEqual([1, 0, 2]);
});

test("what is the same in all is known as well", () => {
  expect(valuesOf(comparison, "params.seed")).toEqual([7, 7, 7]);
});

test("numbers stand by size, words in their order", () => {
  expect(places([3, 10]).at(3)).toBe(3);
  const { words, at } = places(["tree", 5, "line", null]);
  expect(words).toEqual(["5", "line", "tree"]);
  expect([at("tree"), at(null), at(5)]).toEqual([2, undefined, 0]);
});
