import { expect, test } from "vitest";
import { brushed, movedEnd, readBrushes, within, writeBrushes } from "./brush";

test("brushes in the address are read back as they were written", () => {
  const brushes = { "params.depth": [3, 7], "metrics.a:b": [-0.5, 0.25] } as const;
  expect(readBrushes(writeBrushes(brushes))).toEqual(brushes);
  expect(readBrushes(["params.depth", "params.depth:7:3", "params.depth:x:1", ":1:2"])).toEqual({});
});

test("a brush lets through what lies in it, both ends included", () => {
  expect([2, 3, 7, 8, undefined].map((value) => within([3, 7], value))).toEqual([false, true, true, false, false]);
  expect(within(undefined, undefined)).toBe(true);
  expect(brushed({ a: [0, 1], b: [0, 1] }, "a", undefined)).toEqual({ b: [0, 1] });
  expect(brushed({ a: [0, 1] }, "a", [2, 3])).toEqual({ a: [2, 3] });
});

test("keys move one end within the axis, and never past the other", () => {
  expect(movedEnd("ArrowUp", 0, [2, 8], [0, 10], 1)).toEqual([3, 8]);
  expect(movedEnd("PageUp", 0, [6, 8], [0, 10], 1)).toEqual([8, 8]);
  expect(movedEnd("End", 1, [2, 8], [0, 10], 1)).toEqual([2, 10]);
  expect(movedEnd("Home", 0, [2, 8], [0, 10], 1)).toEqual([0, 8]);
  expect(movedEnd("Escape", 1, [2, 8], [0, 10], 1)).toBe("none");
  expect(movedEnd("j", 1, [2, 8], [0, 10], 1)).toBeUndefined();
});
