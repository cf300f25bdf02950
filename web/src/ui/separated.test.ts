import { expect, test } from "vitest";
import { separated } from "./separated";

test("cells are split at separators and line ends of any kind", () => {
  expect(separated("a,b\r\n1,2\n3,\n", ",", 9)).toEqual([
    ["a", "b"],
    ["1", "2"],
    ["3", ""],
  ]);
  expect(separated("a\tb,c", "\t", 9)).toEqual([["a", "b,c"]]);
  expect(separated("", ",", 9)).toEqual([]);
});

test("quotes hold separators, line ends and doubled quotes", () => {
  expect(separated('"a,1","say ""no""\nthen"\nx,y', ",", 9)).toEqual([
    ["a,1", 'say "no"\nthen'],
    ["x", "y"],
  ]);
});

test("a broken file ends, and no more rows are read than are shown", () => {
  expect(separated('"open', ",", 9)).toEqual([["open"]]);
  expect(separated('"a"b,c\nd', ",", 9).length).toBeLessThan(5);
  expect(separated("1\n2\n3\n4", ",", 2)).toEqual([["1"], ["2"]]);
});
