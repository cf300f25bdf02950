import { expect, test } from "vitest";
import type { Check, Review, VersionLine } from "./standing";
import { ahead, failures, refsIn, verdict, waitsFor } from "./standing";

const CHECK: Check = {
  id: "c",
  version: "model:late@9",
  binding: "b",
  champion: 8,
  passed: false,
  at: "2013-12-02T05:00:00Z",
  by: "service:loop",
  results: [
    { gate: "metric_floor", parameters: {}, passed: true, reason: "fine", measured: 1, threshold: 0 },
    { gate: "no_worse_than_champion", parameters: {}, passed: false, reason: "it is worse", measured: 1, threshold: 0 },
  ],
};
const DECISION = { by: "person:ben", responsible: "person:ben", binding: "b", check: null, at: "2013-12-03T05:00:00Z" };

function review(state: VersionLine["state"], rest: Partial<Review> = {}, aliases = {}): Review {
  const version = { version: 9, state, decisions: [] } as unknown as Review["version"];
  const model = { aliases, approvals: 1 } as unknown as Review["model"];
  return { version, model, check: CHECK, problem: "", approvals: [], ...rest } as unknown as Review;
}

test("what was decided comes before what the gates say", () => {
  const decisions = [{ ...DECISION, kind: "rejected" as const, reason: "it guesses" }];
  const refused = review("rejected", { version: { version: 9, state: "rejected", decisions } as never });
  expect(verdict(refused)).toMatchObject({ kind: "bad", text: "by person:ben on 2013-12-03: it guesses" });
  expect(verdict(review("approved", {}, { champion: 9 })).word).toBe("In production");
});

test("an open version waits for the first thing that is missing", () => {
  const good = { ...CHECK, passed: true };
  expect(verdict(review("registered", { check: null })).kind).toBe("waiting");
  expect(verdict(review("registered"))).toMatchObject({ kind: "bad", text: "no worse than champion: it is worse" });
  expect(verdict(review("registered", { check: good, problem: "too old" }))).toMatchObject({
    kind: "warn",
    text: "too old",
  });
  expect(verdict(review("registered", { check: good })).text).toContain("0 of 1 approvals");
});

test("only open versions after the champion wait", () => {
  const line = (version: number, state: VersionLine["state"]) => ({ version, state, check: null }) as VersionLine;
  const lines = [line(4, "registered"), line(3, "rejected"), line(2, "approved"), line(1, "approved")];
  expect(ahead(lines, 1).map(({ version }) => version)).toEqual([4, 2]);
  expect(waitsFor(line(4, "registered"))).toBe("not checked yet");
  expect(waitsFor({ state: "registered", check: CHECK })).toBe(`fails ${failures(CHECK)}`);
});

test("what a sentence names is found in it", () => {
  expect(refsIn("rollout 01M7YNC2Y53WH11217A8NAJYWR: no worse than model:late@8")).toEqual([
    { ref: "rollout:01M7YNC2Y53WH11217A8NAJYWR" },
    { words: ": no worse than " },
    { ref: "model:late@8" },
  ]);
  expect(refsIn("gates passed")).toEqual([{ words: "gates passed" }]);
});
