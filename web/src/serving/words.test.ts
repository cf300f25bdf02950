import { expect, test } from "vitest";
import { parse } from "../kernel/ref";
import { splitPrediction } from "./queries";
import { asOf, colourOf, fixed, health, predictionRef, type Rollout, typeset, verdictOf } from "./words";

test("a verdict comes without the numbers beside it, set as numbers are elsewhere", () => {
  const told =
    "Rolled back on 2013-08-14 at 04:00 UTC: its scores are shifted by -0.292: e-value 3.74e+03. Squared error against the stable version +0.1.";
  expect(verdictOf(told)).toBe(
    "Rolled back on 2013-08-14 at 04:00 UTC: its scores are shifted by −0.292: e-value 3740.",
  );
  const paused =
    "Paused at 10% since 2013-08-14 04:00 UTC by person ana: lunch. Evidence is counted, nothing is decided.";
  expect(verdictOf(`${paused} Squared error against the stable version not measured; e-value 1, limit 100.`)).toBe(
    paused,
  );
  expect(typeset("[-0.1, 2e-05]")).toBe("[−0.1, 2.00e−5]");
});

test("how answers were is told by their numbers", () => {
  expect(health({ requests: 0, errors: 0 }).kind).toBe("idle");
  expect(health({ requests: 9, errors: 0 }).kind).toBe("ok");
  expect(health({ requests: 100, errors: 1 })).toEqual({ kind: "bad", word: "1 error, 1.0\u202f%" });
});

test("neighbouring versions differ in colour, and each keeps its own", () => {
  expect(colourOf("model:late@6")).not.toBe(colourOf("model:late@7"));
  expect(colourOf("model:late@7")).toBe(1);
});

test.each(["US1843-EWR-20130401T0900", "batch/17", "with space é"])(
  "the Ref of the answer to %s leads back to it",
  (id) => {
    const ref = parse(predictionRef("late", id));
    expect(splitPrediction(ref?.name ?? "")).toEqual(["late", id]);
  },
);

test("nothing has no sign", () => {
  expect([fixed(-0.0001, 3, true), fixed(-0.292, 3), fixed(0.5, 3, true)]).toEqual(["0.000", "−0.292", "+0.500"]);
});

test("what ended later was running then, and what began later was not there", () => {
  const made = (id: string, started_at: string, ended_at: string) =>
    ({
      id,
      started_at,
      ended_at,
      state: "promoted",
      reason: "fine",
      steps: [],
      looks: [],
      evidence: {},
    }) as unknown as Rollout;
  const all = [
    made("c", "2013-10-02T00:00:00Z", "2013-10-20T00:00:00Z"),
    made("b", "2013-09-02T00:00:00Z", "2013-09-20T00:00:00Z"),
    made("a", "2013-08-02T00:00:00Z", "2013-08-10T00:00:00Z"),
  ];
  const then = asOf(all, "2013-09-10T00:00:00Z");
  expect(then.map(({ id, state }) => [id, state])).toEqual([
    ["b", "running"],
    ["a", "promoted"],
  ]);
  expect(then[0]?.evidence).toBeNull();
  expect(asOf(all, undefined)).toBe(all);
});
