import { expect, test } from "vitest";
import { entitiesIn, instants, keysOf, meaning, typed } from "./words";

test("a feature says what it means", () => {
  const feature = { name: "f", column: "late", window_hours: 24 };
  expect(meaning({ ...feature, kind: "mean" })).toBe("mean of late over 1 d");
  expect(meaning({ ...feature, kind: "last", window_hours: null })).toBe("last late, ever");
  expect(meaning({ ...feature, kind: "count", column: null })).toBe("number of events over 1 d");
});

test("entities are found among rows, the most frequent first, none of them incomplete", () => {
  const rows = [
    { origin: "EWR", dest: "ORD" },
    { origin: "JFK", dest: "LAX" },
    { origin: "JFK", dest: "LAX" },
    { origin: "JFK", dest: null },
  ];
  expect(entitiesIn(rows, ["origin", "dest"])).toEqual([
    { origin: "JFK", dest: "LAX" },
    { origin: "EWR", dest: "ORD" },
  ]);
});

test("a key in the address has the types of its columns, or is none", () => {
  expect(keysOf(["origin=JFK", "note=a=b"])).toEqual({ origin: "JFK", note: "a=b" });
  expect(typed({ id: "7", ok: "true", name: " x " }, { id: "int64", ok: "bool", name: "string" })).toEqual({
    id: 7,
    ok: true,
    name: "x",
  });
  expect(typed({ id: "seven" }, { id: "int64" })).toBeUndefined();
  expect(typed({}, { name: "string" })).toBeUndefined();
});

test("instants divide the days evenly and end with the last", () => {
  const end = Date.parse("2013-01-03T00:00:00Z");
  expect(instants(end, 2, 4)).toEqual([
    "2013-01-01T00:00:00.000Z",
    "2013-01-01T12:00:00.000Z",
    "2013-01-02T00:00:00.000Z",
    "2013-01-02T12:00:00.000Z",
    "2013-01-03T00:00:00.000Z",
  ]);
});
