import { expect, test } from "vitest";
import { conditions } from "./filter";

test("a query is left to the server, also half of one", () => {
  for (const query of [
    "metrics.auc > 0.7 and (params.depth = 5 or not state = failed)",
    "metrics.auc",
    "depth is null",
  ])
    expect(conditions(` ${query} `)).toEqual([query]);
  expect(conditions("  ")).toEqual([]);
});

test("bare words are looked for in names", () => {
  expect(conditions("trial 3")).toEqual(['name ~ "trial 3"']);
  expect(conditions("sandy")).toEqual(['name ~ "sandy"']);
  expect(conditions('the "best"')).toEqual(['name ~ "the ""best"""']);
});
