import { expect, test } from "vitest";
import { neighbour } from "../heat-grid";
import { extent, linear, roundTicks } from "./scale";
import { path } from "./spark";

test("scales and their round ticks", () => {
  expect(linear([0, 10], [100, 0])(2.5)).toBe(75);
  expect(roundTicks(0, 1, 5)).toEqual({ ticks: [0, 0.2, 0.4, 0.6, 0.8, 1], step: 0.2 });
  expect(roundTicks(-3, 3, 3).ticks).toEqual([-2, 0, 2]);
  expect(roundTicks(1, 1).ticks).toEqual([1]);
});

test("an extent leaves out what is not a number", () => {
  expect(extent([null, 1, undefined, 3, Number.NaN], 0)).toEqual([1, 3]);
  expect(extent([])).toEqual([0, 1]);
});

test("a gap breaks the line", () => {
  expect(
    path([
      [0, 1],
      [1, null],
      [2, 3],
      [3, 4],
    ]),
  ).toBe("M0.0 1.0M2.0 3.0L3.0 4.0");
});

test("arrows stay within the grid", () => {
  expect(neighbour("ArrowUp", [0, 3], [5, 9])).toEqual([0, 3]);
  expect(neighbour("ArrowRight", [0, 3], [5, 9])).toEqual([0, 4]);
  expect(neighbour("End", [2, 3], [5, 9])).toEqual([2, 8]);
  expect(neighbour("Tab", [2, 3], [5, 9])).toBeUndefined();
});
