import { expect, test } from "vitest";
import { smooth } from "./smooth";

test("a constant stays what it is from its first point on", () => {
  for (const value of smooth([2, 2, 2, 2], 0.9)) expect(value).toBeCloseTo(2, 12);
});

test("without weight nothing is smoothed, with weight a jump is spread", () => {
  expect(smooth([1, 5, 3], 0)).toEqual([1, 5, 3]);
  const [, jump = 0] = smooth([0, 1, 1], 0.5).map(Number);
  expect(jump).toBeCloseTo(2 / 3, 12);
});

test("gaps stay gaps", () => {
  expect(smooth([1, null, Number.NaN], 0.8)).toEqual([1, null, Number.NaN]);
});
