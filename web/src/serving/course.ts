import { full } from "../kernel/number";
import type { PlainLine } from "../ui/line-chart/lines";
import type { Reference, Shade } from "../ui/line-chart/options";
import { isUnderWay, type Rollout, short } from "./words";

type Evidence = NonNullable<Rollout["evidence"]>;
type Point = Evidence["path"][number];

/** The requests at which the test was traced, and one place more, so that what holds from the last one on is seen. */
function places({ path }: Evidence): number[] {
  const last = path.at(-1)?.scored;
  return last === undefined ? [] : [...path.map(({ scored }) => scored), last + Math.max(1, Math.round(last / 60))];
}

/** The e-value that decides and the three that it is the mean of, over the requests that both versions scored. */
export function evidenceLines(evidence: Evidence): PlainLine[] {
  const x = places(evidence);
  const y = (value: (point: Point) => number) => [...evidence.path.map(value), null];
  return [
    { name: "decides: mean of three", x, y: y((point) => point.e_value), colour: 1 },
    { name: "scores shifted", x, y: y((point) => point.e_shift ?? 1), colour: 3, dashed: true },
    { name: "squared error worse", x, y: y((point) => point.e_loss ?? 1), colour: 2, dashed: true },
    { name: "fails more often", x, y: y((point) => point.e_errors ?? 1), colour: 5, dashed: true },
  ];
}

/** How much worse the candidate is, with the bounds that hold at all times together. */
export function harmLines(evidence: Evidence): PlainLine[] {
  const held = [...evidence.path, ...evidence.path.slice(-1)];
  return [
    {
      name: "difference of squared errors",
      x: places(evidence),
      y: held.map(({ mean }) => mean),
      lo: held.map(({ low, mean }) => (mean === null ? null : low)),
      hi: held.map(({ high, mean }) => (mean === null ? null : high)),
      colour: 1,
      steps: true,
    },
  ];
}

/** The candidate's share of the answers, by the requests at which it changed. */
export function weightLines(rollout: Rollout): PlainLine[] {
  const x = rollout.evidence ? places(rollout.evidence) : [];
  const changes = rollout.steps.map((step) => ({ ...step, scored: scoredAt(rollout, step.pairs) }));
  const weight = (at: number) => changes.findLast((step) => step.scored <= at)?.weight ?? changes[0]?.weight ?? 0;
  return [
    { name: `answers by ${short(rollout.candidate)}`, x, y: x.map((at) => 100 * weight(at)), colour: 4, steps: true },
  ];
}

/** Looks stand in requests, steps in what the plan counts: labelled pairs, or requests where labels are not asked for. */
export function scoredAt({ evidence, plan }: Rollout, count: number): number {
  if (!plan.labels || count === 0) return count;
  return evidence?.path.find(({ pairs }) => pairs >= count)?.scored ?? count;
}

/** A tick for each look at the evidence, red where a hard limit was broken. */
export function lookTicks({ looks = [] }: Rollout): Reference[] {
  return looks.map(({ scored, guard }) => ({ text: "", value: scored, axis: "x", kind: guard ? "bad" : "text-3" }));
}

/** Where the line of the decision was first crossed; it is acted upon at the next look. */
export function crossedAt({ path }: Evidence, limit: number): number | undefined {
  return path.find(({ e_value }) => e_value >= limit)?.scored;
}

export function endReference(rollout: Rollout, word: string): Reference[] {
  const last = rollout.evidence?.scored;
  if (last === undefined || isUnderWay(rollout)) return [];
  return [{ text: word, value: last, axis: "x", kind: rollout.state === "rolled_back" ? "bad" : "ok" }];
}

/** Where nothing was decided because somebody had paused it. */
export function pauseShades({ pauses = [], evidence }: Rollout): Shade[] {
  const last = evidence?.scored ?? 0;
  return pauses.map(({ scored, until_scored }) => {
    const to = until_scored ?? last;
    return { text: "paused", from: scored, to: Math.max(to, scored + 1), axis: "x", kind: "waiting" };
  });
}

/** Beyond the last request that the plan allows the test is futile: it ends undecided. None while that is far away. */
export function futility(rollout: Rollout): { line: Reference; shade: Shade } | undefined {
  const { evidence, plan } = rollout;
  const counted = (plan.labels ? evidence?.pairs : evidence?.scored) ?? 0;
  if (!evidence || counted < plan.max_requests / 2) return undefined;
  const from =
    counted >= plan.max_requests
      ? scoredAt(rollout, plan.max_requests)
      : Math.round((evidence.scored * plan.max_requests) / counted);
  return {
    line: { text: `undecided after ${full(plan.max_requests)}`, value: from, axis: "x", kind: "warn" },
    shade: { text: "", from, to: Number.MAX_SAFE_INTEGER, axis: "x", kind: "warn" },
  };
}

/** Which of the three tests weighs most. */
export function deciding({ e_loss, e_shift, e_errors }: Pick<Evidence, "e_loss" | "e_shift" | "e_errors">) {
  const greatest = Math.max(e_loss, e_shift, e_errors);
  return greatest === e_shift ? "shift" : greatest === e_loss ? "loss" : "errors";
}

export interface Pair {
  request: string;
  stable: number;
  candidate: number;
  label: number | null;
}

interface Answer {
  request_id: string;
  role: string;
  score: number;
  other_score: number | null;
  label: number | null;
}

/** The scores of both versions on the same request, the farthest apart first. */
export function pairsOf(answers: readonly Answer[]): Pair[] {
  const found: Pair[] = [];
  for (const { request_id, role, score, other_score, label } of answers) {
    if (other_score === null) continue;
    const [stable, candidate] = role === "candidate" ? [other_score, score] : [score, other_score];
    found.push({ request: request_id, stable, candidate, label });
  }
  return found.sort((a, b) => Math.abs(b.candidate - b.stable) - Math.abs(a.candidate - a.stable));
}

/** Twenty equal bins of the scores, from 0 to 1. */
export function binned(scores: readonly number[], bins = 20): { from: number; to: number; count: number }[] {
  const counts: number[] = new Array(bins).fill(0);
  for (const score of scores) {
    const bin = Math.min(bins - 1, Math.max(0, Math.floor(score * bins)));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts.map((count, i) => ({ from: i / bins, to: (i + 1) / bins, count }));
}
