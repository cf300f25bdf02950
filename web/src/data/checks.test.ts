import { expect, test } from "vitest";
import { arranged, cellText, hours, must, offending, type Spec, specOf } from "./checks";

const spec = (check: string, parameters: Record<string, unknown> = {}): Spec => ({
  check,
  column: "x",
  columns: [],
  parameters,
  tolerance: 0,
});

test("a check says what must hold", () => {
  expect(must(spec("in_range", { minimum: 1, maximum: 6000 }))).toBe("must be between 1 and 6\u202f000");
  expect(must(spec("in_range", { minimum: -180 }))).toBe("must be at least −180");
  expect(must(spec("in_range", { maximum: 9 }))).toBe("must be at most 9");
  expect(must(spec("foreign_key", { to: "airports.faa" }))).toBe("must occur in airports.faa");
  expect(must(spec("foreign_key", { to: "airports.faa", also: ["SJU"] }))).toBe(
    "must occur in airports.faa or be one of SJU",
  );
  expect(must(spec("fresh", { max_age_hours: 72 }))).toBe("must have an instant of the last 3 d");
  expect(must(spec("row_count", {}))).toBe("must number at least 1");
  expect(must(spec("of_a_plugin", { depth: 3 }))).toBe("must pass of_a_plugin, depth 3");
});

test("a result finds its check in the contract, and what the key implies is not listed", () => {
  const listed = spec("in_range", { minimum: 1 });
  const contract = { checks: [spec("not_null"), listed], key: ["id"], time: null };
  expect(specOf(contract, { check: "in_range", columns: ["x"] })).toBe(listed);
  expect(specOf(contract, { check: "unique", columns: ["id"] })).toMatchObject({ check: "unique", columns: ["id"] });
});

test("offending values come once each, as many as fit a line", () => {
  const rows = ["XQX", "XQX", "ZZZ"].map((dest) => ({ dest }));
  expect(offending(["dest"], rows)).toEqual({ values: ["XQX", "ZZZ"], more: false });
  const long = ["a", "b"].map((letter) => ({ id: letter.repeat(40) }));
  expect(offending(["id"], long)).toEqual({ values: ["a".repeat(40)], more: true });
  expect(offending([], rows)).toEqual({ values: [], more: false });
});

test("the columns that offend stand first, the line of a row is none", () => {
  const row = { _row: 7, air_time: 1, distance: -9, flight_id: "UA1" };
  expect(arranged([row], ["distance", "flight_id"], ["flight_id", "distance", "air_time"])).toEqual([
    "distance",
    "flight_id",
    "air_time",
  ]);
  expect(arranged([row], ["gone"], [])).toEqual(["air_time", "distance", "flight_id"]);
});

test("cells are read by people", () => {
  expect(cellText(null)).toBe("null");
  expect(cellText(-1389)).toBe("−1389");
  expect(cellText(5.416666666666667)).toBe("5.41667");
  expect(cellText("2013-02-01T10:00:00+00:00")).toBe("2013-02-01 10:00");
  expect(cellText("2013-02-01T10:00:05+00:00")).toBe("2013-02-01 10:00:05");
  expect(cellText(false)).toBe("false");
});

test("an age of nothing is no fraction of a millisecond", () => {
  expect(hours(0)).toBe("0 h");
  expect(hours(72)).toBe("3 d");
});
