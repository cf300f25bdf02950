import { expect, test } from "vitest";
import { changes, versions, wordOf } from "./changes";

test("what was changed comes before what was taken away and what was added", () => {
  const found = changes({ numpy: "1", old: "2", same: "3" }, { numpy: "2", same: "3", fresh: "1" });
  expect(found.map((change) => [change.name, wordOf(change)])).toEqual([
    ["numpy", "changed"],
    ["old", "removed"],
    ["fresh", "added"],
  ]);
  expect(changes({ a: "1" }, { a: "1" })).toEqual([]);
});

test("inputs are told apart by their versions", () => {
  expect(versions(["dataset:flights@4", "source:x@y@z", "run:abc"])).toEqual({
    "dataset:flights": "4",
    "source:x@y": "z",
    "run:abc": "–",
  });
});
