import { expect, test } from "vitest";
import {
  binned,
  crossedAt,
  deciding,
  endReference,
  evidenceLines,
  futility,
  harmLines,
  pairsOf,
  pauseShades,
  scoredAt,
  weightLines,
} from "./course";
import type { Rollout } from "./words";

const point = (scored: number, pairs: number, e_value: number) => ({
  scored,
  pairs,
  e_value,
  e_loss: 0.5,
  e_errors: 1,
  e_shift: 3 * e_value - 1.5,
  mean: pairs ? 0.03 : null,
  low: -1,
  high: 1,
});
const path = [point(1, 0, 1), point(40, 0, 20), point(70, 32, 150), point(80, 72, 3741)];
const rollout = {
  candidate: "model:late@6",
  state: "rolled_back",
  plan: { labels: true },
  steps: [
    { weight: 0.1, pairs: 0 },
    { weight: 0.5, pairs: 30 },
  ],
  evidence: { scored: 80, path },
} as unknown as Rollout;
const evidence = rollout.evidence as NonNullable<Rollout["evidence"]>;

test("the lines of the evidence stand over the requests, the deciding one first", () => {
  const [decides, ...parts] = evidenceLines(evidence);
  expect(decides?.x).toEqual([1, 40, 70, 80, 81]);
  expect(decides?.y).toEqual([1, 20, 150, 3741, null]);
  expect(parts).toHaveLength(3);
  expect(crossedAt(evidence, 100)).toBe(70);
  expect(crossedAt(evidence, 1e6)).toBeUndefined();
});

test("without a label there is no interval", () => {
  const [harm] = harmLines(evidence);
  expect(harm?.lo).toEqual([null, null, -1, -1, -1]);
});

test("a weight changes where as many labels had come as the step was taken at", () => {
  expect(scoredAt(rollout, 30)).toBe(70);
  expect(weightLines(rollout)[0]?.y).toEqual([10, 10, 50, 50, 50]);
  expect(endReference(rollout, "rolled back")).toEqual([{ text: "rolled back", value: 80, axis: "x", kind: "bad" }]);
});

test("the greatest of the three tests decides", () => {
  expect(deciding({ e_loss: 0.4, e_errors: 1, e_shift: 11_000 })).toBe("shift");
  expect(deciding({ e_loss: 400, e_errors: 1, e_shift: 0.1 })).toBe("loss");
});

test("who answered does not matter to who said what", () => {
  const pairs = pairsOf([
    { request_id: "a", role: "stable", score: 0.6, other_score: 0.5, label: 1 },
    { request_id: "b", role: "candidate", score: 0.1, other_score: 0.8, label: null },
    { request_id: "c", role: "stable", score: 0.6, other_score: null, label: 0 },
  ]);
  expect(pairs).toEqual([
    { request: "b", stable: 0.8, candidate: 0.1, label: null },
    { request: "a", stable: 0.6, candidate: 0.5, label: 1 },
  ]);
  expect(binned([0, 0.99, 1], 2).map(({ count }) => count)).toEqual([1, 2]);
});

test("a pause is shaded from the requests at its begin to those at its end, or to the last one", () => {
  const pauses = [
    { scored: 10, until_scored: 40 },
    { scored: 60, until_scored: null },
  ];
  const shades = pauseShades({ ...rollout, pauses } as unknown as Rollout);
  expect(shades.map(({ from, to }) => [from, to])).toEqual([
    [10, 40],
    [60, 80],
  ]);
});

test("where the test is futile is drawn once it comes near", () => {
  const planned = (max_requests: number, pairs: number) =>
    futility({
      ...rollout,
      plan: { labels: true, max_requests },
      evidence: { scored: 80, pairs, path },
    } as unknown as Rollout);
  expect(planned(5000, 72)).toBeUndefined();
  expect(planned(90, 72)?.line.value).toBe(100); // as many requests for a label as so far
  expect(planned(32, 72)?.line.value).toBe(70); // passed already
  expect(planned(32, 72)?.shade.from).toBe(70);
});
