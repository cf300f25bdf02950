import { expect, test } from "vitest";
import type { Measurement } from "./queries";
import { change, falseAlarms, reach, size, subject, sure, trimmed, what, windowLabel, windowName } from "./words";

const drift: Measurement = {
  kind: "drift",
  test: "ks",
  feature: "temp",
  effect: 0.8321,
  low: 0.6364,
  high: 1,
  tolerance: 0.1,
  p: 0.001,
  corrected_p: 0.0014375,
  alarm: true,
  false_alarm: { rate: 0, low: 0, high: 0.0076, draws: 500 },
  measured: "",
  expected: 66.43,
  observed: 38.81,
  sentence: "",
};

test("a finding says what, how large, how sure", () => {
  expect(what(drift)).toBe("temp fell from 66.4 to 38.8 on average");
  expect(size(drift)).toBe("KS distance 0.832 [0.64, 1.00], tolerated 0.1");
  expect(sure(drift)).toBe("p = 0.0014, corrected for all drift tests of the window");
  expect(sure({ ...drift, corrected_p: 1e-7 })).toContain("p < 0.0001");
  expect(reach(drift)).toBeCloseTo(8.32);
  expect(reach({ effect: 0.3, tolerance: 0 })).toBe(0.3);
});

test("edges have no zeros at their end", () => {
  expect([0.5, 0.005, 48.02, 100, 0, 1012, -2.5].map(trimmed)).toEqual([
    "0.5",
    "0.005",
    "48",
    "100",
    "0",
    "1012",
    "−2.5",
  ]);
});

test("shares are told as shares, losses of the model as its measure", () => {
  const missing = { ...drift, kind: "quality", test: "null_share", expected: 0.05, observed: 0.2 } as const;
  expect(what(missing)).toMatch(/^temp is missing in 20\.0\s%/);
  expect(change(missing)).toMatch(/^5\.0\s% → 20\.0\s%$/);
  const brier = {
    ...drift,
    kind: "performance",
    test: "brier",
    feature: "label",
    expected: 0.1,
    observed: 0.2,
  } as const;
  expect(subject(brier)).toBe("Brier score");
  expect(what(brier)).toBe("Brier score rose from 0.100 to 0.200");
  expect(what({ ...drift, expected: null, observed: null })).toBe("temp is distributed otherwise");
  expect(change({ ...drift, expected: null })).toBe("");
});

test("the rate of false alarms is what was counted, with how far it may be off", () => {
  expect(falseAlarms(drift.false_alarm)).toMatch(/^0 of 500 draws of unchanged data \(at most 0\.8\s%\)$/);
  expect(falseAlarms({ rate: 0.01, low: 0.0043, high: 0.0232, draws: 500 })).toMatch(
    /^5 of 500 draws of unchanged data \(1\.0\s%, between 0\.4\s% and 2\.3\s%\)$/,
  );
});

test("windows are called as people call them", () => {
  const month = { key: "", start: "2013-12-01T05:00:00Z", end: "2014-01-01T05:00:00Z" };
  expect(windowName(month)).toBe("2013-12");
  expect(windowName({ ...month, key: "more labels" })).toBe("more labels");
  expect(windowName({ ...month, key: "2013-12-01T05:00:00+00:00/2014-01-01T05:00:00+00:00" })).toBe("2013-12");
  expect(windowName({ key: "", start: "2013-12-02T00:00:00Z", end: "2013-12-09T00:00:00Z" })).toBe(
    "2013-12-02 to 2013-12-08",
  );
  expect(windowName({ key: "", start: "2013-12-02T10:00:00Z", end: "2013-12-02T12:00:00Z" })).toBe(
    "2013-12-02 10:00–12:00",
  );
  expect(windowLabel(month)).toBe("Dec");
  expect(windowLabel({ start: "2014-01-01T05:00:00Z", end: "2014-02-01T05:00:00Z" })).toBe("2014");
  expect(windowLabel({ start: "2013-12-02T00:00:00Z", end: "2013-12-09T00:00:00Z" })).toBe("12-02");
  expect(windowLabel({ start: "2013-12-02T10:00:00Z", end: "2013-12-02T12:00:00Z" })).toBe("10:00");
});
