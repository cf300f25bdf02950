import { expect, test } from "vitest";
import { yRange } from "./options";
import { numberTicks, powerTicks, timeTicks } from "./ticks";

test.each([
  [[0, 0.25, 0.5], 0.25, ["0", "0.25", "0.50"]],
  [[-1, 0, 1], 1, ["−1", "0", "1"]],
  [[0, 100_000, 200_000], 100_000, ["0", "100\u202fk", "200\u202fk"]],
  [[1_000_000, 1_250_000], 250_000, ["1.00\u202fM", "1.25\u202fM"]],
  [[2000, 4000], 2000, ["2000", "4000"]],
])("numbers %j", (splits, step, words) => {
  expect(numberTicks(splits, step)).toEqual(words);
});

test("time says the day once, and the year once", () => {
  const noon = Date.UTC(2013, 8, 1, 12);
  const hour = 3_600_000;
  expect(timeTicks([noon, noon + 6 * hour, noon + 12 * hour], 6 * hour)).toEqual([
    "12:00\n1 Sep",
    "18:00",
    "00:00\n2 Sep",
  ]);
  expect(timeTicks([Date.UTC(2013, 11, 31), Date.UTC(2014, 0, 1)], 24 * hour)).toEqual(["31 Dec\n2013", "1 Jan\n2014"]);
  expect(timeTicks([Date.UTC(2013, 10, 1), Date.UTC(2013, 11, 1)], 30 * 24 * hour)).toEqual(["Nov\n2013", "Dec"]);
});

test("logarithmic ticks name the powers of ten", () => {
  expect(powerTicks([1e-3, 2e-3, 1, 10, 1e6, null])).toEqual(["10⁻³", "", "1", "10", "10⁶", ""]);
});

test("the y range holds the references, and zero only where it is asked for", () => {
  const look = { references: [{ text: "limit", value: 10 }], shades: [], fromZero: false, log: false };
  const [low, high] = yRange(look, 4, 6);
  expect(low).toBeGreaterThan(3);
  expect(high).toBeGreaterThan(10);
  expect(yRange({ ...look, fromZero: true }, 4, 6)[0]).toBe(0);
  expect(yRange({ ...look, references: [] }, null, null)).toEqual([0, 1]);
});
