import { expect, test } from "vitest";
import { fromSorting, toSorting, widths } from "./columns";
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

test("the order in the address is the order of the table", () => {
  for (const sort of ["loss", "-loss"]) expect(fromSorting(toSorting(sort))).toBe(sort);
  expect(fromSorting(toSorting(undefined))).toBeUndefined();
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
