import { expect, test } from "vitest";
import { cumulative, isFew, laid, mostChanged, regular, widest } from "./shares";

const bins = [
  { label: "below 0", low: null, high: 0, reference: 0, window: 0.5 },
  { label: "", low: 0, high: 1, reference: 0.5, window: 0.25 },
  { label: "", low: 1, high: 4, reference: 0.5, window: 0.25 },
];

test("bins of unequal widths keep their shares on an even grid", () => {
  const { below, above, inner } = laid(bins);
  expect([below?.window, above, inner.length]).toEqual([0.5, undefined, 2]);
  const even = regular(inner, 4);
  expect(even.map(({ low, high }) => [low, high])).toEqual([
    [0, 1],
    [1, 2],
    [2, 3],
    [3, 4],
  ]);
  expect(even.map(({ reference }) => reference)).toEqual(
    [0.5, 0.5 / 3, 0.5 / 3, 0.5 / 3].map((v) => expect.closeTo(v)),
  );
  expect(even.reduce((sum, { window }) => sum + window, 0)).toBeCloseTo(0.5);
  expect(isFew(laid(bins))).toBe(true);
});

test("what lies in a point is lost nowhere", () => {
  const points = [
    { low: 0, high: 0, reference: 0.9, window: 0.8 },
    { low: 0, high: 2, reference: 0.05, window: 0.1 },
    { low: 2, high: 2, reference: 0.05, window: 0.1 },
  ];
  const even = regular(points, 2);
  expect(even.reduce((sum, { reference }) => sum + reference, 0)).toBeCloseTo(1);
  expect(even[0]?.reference).toBeCloseTo(0.925);
  expect(even[1]?.window).toBeCloseTo(0.15);
});

test("the curves begin with what lies below, and the widest gap is found", () => {
  const steps = cumulative(laid(bins));
  expect(steps.map(({ x, reference, window }) => [x, reference, window])).toEqual([
    [0, 0, 0.5],
    [1, 0.5, 0.75],
    [4, 1, 1],
  ]);
  expect(widest(steps)?.x).toBe(0);
  expect(widest([])).toBeUndefined();
});

test("of many categories those that changed most are shown", () => {
  const { shown, others } = mostChanged(
    ["a", "b", "c"].map((label, i) => ({ label, low: null, high: null, reference: 0.3, window: 0.3 + i / 10 })),
    2,
  );
  expect(shown.map(({ label }) => label)).toEqual(["c", "b"]);
  expect(others).toBe(1);
});
