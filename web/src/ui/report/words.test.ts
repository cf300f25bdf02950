import { expect, test } from "vitest";
import { type Slice, said, worstFirst } from "./words";

function slice(value: string, low: number | null, high: number | null): Slice {
  return { by: "carrier", value, rows: 10, positives: 5, metrics: { auc: { value: low, low, high } } };
}
const SLICES = [slice("AA", 0.7, 0.8), slice("HA", null, null), slice("UA", 0.5, 0.9), slice("WN", 0.6, 0.65)];

test("names in code are said as people say them", () => {
  expect(["auc", "log_loss", "no_worse_than_champion"].map(said)).toEqual([
    "AUC",
    "Log loss",
    "No worse than champion",
  ]);
});

test("the worst slice is the one whose interval reaches furthest into the bad, in either direction", () => {
  const order = (higher_is_better: boolean) =>
    worstFirst(SLICES, { metric: "auc", higher_is_better }).map(({ value }) => value);
  expect(order(true)).toEqual(["UA", "WN", "AA", "HA"]);
  expect(order(false)).toEqual(["UA", "AA", "WN", "HA"]);
});
