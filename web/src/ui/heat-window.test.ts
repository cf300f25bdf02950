import { expect, test } from "vitest";
import { drawn } from "./heat-window";

test("rows in view are drawn, the others are room", () => {
  expect(drawn(10, [-3, 2], 0)).toEqual({
    rows: [
      { row: 0, before: 0 },
      { row: 1, before: 0 },
      { row: 2, before: 0 },
    ],
    after: 7,
  });
  expect(drawn(4, [0, 3], 1).rows.every(({ before }) => before === 0)).toBe(true);
  expect(drawn(0, [0, -1], 0)).toEqual({ rows: [], after: 0 });
});

test("the row of the keyboard stays, so that the focus is never lost", () => {
  const { rows, after } = drawn(1000, [500, 502], 10);
  expect(rows).toEqual([
    { row: 10, before: 10 },
    { row: 500, before: 489 },
    { row: 501, before: 0 },
    { row: 502, before: 0 },
  ]);
  expect(after).toBe(497);
  expect(rows.reduce((sum, { before }) => sum + before + 1, after)).toBe(1000);
});
