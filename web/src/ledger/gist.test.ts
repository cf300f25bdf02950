import { expect, test } from "vitest";
import { gist, verbKind, verbWords } from "./gist";

test("what was said comes before any value", () => {
  expect(gist({ data: { weight: 0.5, reason: " no harm shown in 52 pairs " } })).toBe("no harm shown in 52 pairs");
  expect(gist({ data: { reason: "", labels: 18 } })).toBe("labels 18");
});

test("values without a meaning for people are left out", () => {
  const data = {
    digest: "79546025a4845d57dee829da5811039c539a19847285993dbe2c4fbffdec2650",
    session: "01M7YN3NJRSZ8AXHMS88RMRAQ3",
    within: "train",
    failed: { unique: 3 },
    rows: 24_991,
    parts: null,
    verbs: ["model.*", "run.*"],
    delegated: false,
  };
  expect(gist({ data })).toBe("rows 25.0\u202fk · verbs model.*, run.*");
  expect(gist({ data: {} })).toBe("");
});

test("verbs read as words and say what went wrong", () => {
  expect(verbWords("rollout.rolled_back")).toBe("rollout rolled back");
  expect([verbKind("rollout.rolled_back"), verbKind("model.approved"), verbKind("run.started")]).toEqual([
    "bad",
    "ok",
    undefined,
  ]);
});
