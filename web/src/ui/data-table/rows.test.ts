import { expect, test } from "vitest";
import { turned, widths } from "./columns";
import { moved } from "./row-keys";
import { arranged } from "./rows";

const order = (values: (number | string | null)[], sort: string) => {
  const { total, at } = arranged(
    values.map((value) => ({ value })),
    (row) => row.value,
    sort,
  );
  return Array.from({ length: total }, (_, i) => at(i)?.value);
};

test("rows are sorted either way, and what has no value stands last", () => {
  expect(order([2, null, Number.NaN, 10, 1], "x")).toEqual([1, 2, 10, null, Number.NaN]);
  expect(order([2, null, 10], "-x")).toEqual([10, 2, null]);
  expect(order(["v10", "v9", "V1"], "x")).toEqual(["V1", "v9", "v10"]);
});

test("clicks on a head turn the order: one way, the other, none", () => {
  const clicks = (column: { id: string; align?: "end" }, from?: string) => {
    const first = turned(from, column);
    const second = turned(first, column);
    return [first, second, turned(second, column)];
  };
  expect(clicks({ id: "name" })).toEqual(["name", "-name", undefined]);
  expect(clicks({ id: "auc", align: "end" }, "name")).toEqual(["-auc", "auc", undefined]);
});

test("keys move within the rows", () => {
  expect(moved("j", 3, 4)).toBe(3);
  expect(moved("k", 0, 4)).toBe(0);
  expect(moved("End", 0, 4)).toBe(3);
  expect(moved("q", 0, 4)).toBeUndefined();
});

test("some column takes what width is left", () => {
  const cell = () => null;
  expect(widths([{ id: "a", head: "A", cell, width: 80 }], true)).toEqual({
    "--columns": "36px 80px 1fr",
    "--width": "116px",
  });
  expect(widths([{ id: "a", head: "A", cell, grow: true }], false)["--columns"]).toBe("minmax(120px, 1fr)");
});
