import { expect, test } from "vitest";
import { folded } from "./folded";

test("time goes from left to right over the whole width", () => {
  const { place, folds } = folded([
    { from: 0, to: 50 },
    { from: 50, to: 100 },
  ]);
  expect([place(0), place(25), place(100)]).toEqual([0, 0.25, 1]);
  expect(folds).toEqual([]);
});

test("a long idle gap takes next to no room, and order is kept", () => {
  const { place, folds } = folded([
    { from: 0, to: 10 },
    { from: 1000, to: 1010 },
  ]);
  expect(folds).toHaveLength(1);
  expect(place(10)).toBeCloseTo(0.49);
  expect(place(1000)).toBeCloseTo(0.51);
  expect(place(1010)).toBeCloseTo(1);
  expect(place(500)).toBeGreaterThan(place(10));
});

test("no spans, and one instant", () => {
  expect(folded([]).place(5)).toBe(0);
  expect(folded([{ from: 5, to: 5 }]).place(5)).toBe(0);
});
