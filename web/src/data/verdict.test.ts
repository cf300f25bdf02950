import { expect, test } from "vitest";
import type { Schema } from "../kernel/api/types";
import { lastResult, verdict, worstFirst } from "./verdict";

type State = Schema<"DatasetState">;

function state(name: string, given: Partial<State> = {}): State {
  const dataset = { name } as State["dataset"];
  return {
    dataset,
    version: null,
    last: null,
    recent: [],
    waiting: 0,
    age_hours: 1,
    promise_hours: null,
    fresh: null,
    ...given,
  };
}

test("all is well, and what was promised is told", () => {
  expect(verdict([state("a"), state("b")])).toMatchObject({
    kind: "ok",
    text: expect.stringContaining("none promises freshness"),
  });
  expect(verdict([state("a", { fresh: true, promise_hours: 24 })]).text).toContain(
    "every dataset that promises freshness is fresh",
  );
});

test("what is stale or waits in quarantine is named", () => {
  const told = verdict([state("a", { fresh: false, promise_hours: 24 }), state("b", { waiting: 2 })]);
  expect(told).toEqual({ kind: "bad", text: "b has a delivery in quarantine; a is older than promised." });
});

test("of a refused delivery the first failure is named, and how many more there are", () => {
  const check = (name: string, passed: boolean) => ({ check: name, columns: ["x"], passed }) as Schema<"CheckMark">;
  const last = {
    state: "quarantined",
    checks: [check("unique", true), check("in_set", false), check("matches", false)],
  };
  expect(lastResult(state("a", { last: last as State["last"] }))).toEqual({
    kind: "bad",
    word: "Quarantined",
    detail: "in_set of x and 1 more",
  });
  expect(lastResult(state("a")).word).toBe("Nothing delivered");
});

test("what is wrong stands first, the rest by name", () => {
  const states = [state("b"), state("a"), state("z", { waiting: 1 }), state("y", { fresh: false })];
  expect(worstFirst(states).map(({ dataset }) => dataset.name)).toEqual(["z", "y", "a", "b"]);
});
