import { expect, test } from "vitest";
import { cases, span } from "./cases";

const passages = [
  {
    version: "model:late@2",
    delivered_at: "2013-05-01T00:00:00Z",
    registered_at: "2013-05-02T00:00:00Z",
    approved_at: "2013-05-02T06:00:00Z",
    live_at: "2013-05-03T00:00:00Z",
    taken_back_at: null,
  },
  {
    version: "model:late@1",
    delivered_at: null,
    registered_at: "2013-01-01T00:00:00Z",
    approved_at: null,
    taken_back_at: null,
    live_at: "2013-01-01T02:00:00Z",
  },
];
const start = Date.parse("2013-02-01T00:00:00Z");

test("a case has both ends, the second of them in the window", () => {
  expect(cases(passages, "delivered_at", "live_at", start)).toEqual([
    { ref: "model:late@2", at: Date.parse("2013-05-03T00:00:00Z"), hours: 48 },
  ]);
  expect(cases(passages, "registered_at", "live_at", start)).toHaveLength(1);
  expect(cases(passages, "registered_at", "live_at", 0)).toHaveLength(2);
  expect(cases(passages, "live_at", "taken_back_at", 0)).toEqual([]);
});

test("spans are said as people say them", () => {
  expect(span(0)).toBe("< 1 min");
  expect(span(3.5)).toBe("3 h 30 min");
  expect(span(240)).toBe("10 d");
  expect(span(null)).toBe("–");
});
