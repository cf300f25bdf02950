import { expect, test } from "vitest";
import { conditions } from "./filter";

test("conditions are joined by and, which within quotes is a word", () => {
  expect(conditions("metrics.auc > 0.7 and params.depth = 5")).toEqual(["metrics.auc > 0.7", "params.depth = 5"]);
  expect(conditions('name = "salt and pepper" AND state = failed')).toEqual([
    'name = "salt and pepper"',
    "state = failed",
  ]);
  expect(conditions("  ")).toEqual([]);
});

test("a bare word is looked for in names, half a condition is left for the server to refuse", () => {
  expect(conditions("trial 3")).toEqual(["name ~ trial 3"]);
  expect(conditions("metrics.auc")).toEqual(["metrics.auc"]);
  expect(conditions("sandy")).toEqual(["name ~ sandy"]);
});
