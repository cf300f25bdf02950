import type { Schema } from "../kernel/api/types";
import { count, percent, significant } from "../kernel/number";
import { parse } from "../kernel/ref";
import type { StatusKind } from "../ui/status";

export type Rollout = Schema<"Rollout">;

const STATES: Record<Rollout["state"], { kind: StatusKind; word: string }> = {
  running: { kind: "running", word: "Running" },
  paused: { kind: "waiting", word: "Paused" },
  promoted: { kind: "ok", word: "Promoted" },
  rolled_back: { kind: "bad", word: "Rolled back" },
  inconclusive: { kind: "warn", word: "Inconclusive" },
  aborted: { kind: "idle", word: "Aborted" },
};

export function stateOf({ state }: Pick<Rollout, "state">): { kind: StatusKind; word: string } {
  return STATES[state];
}

/** Whether both versions still score every request. */
export function isUnderWay({ state }: Pick<Rollout, "state">): boolean {
  return state === "running" || state === "paused";
}

/** How the answers of a span were; no judgement, the numbers beside it have the rest. */
export function health({ requests, errors }: { requests: number; errors: number }): { kind: StatusKind; word: string } {
  if (requests === 0) return { kind: "idle", word: "No requests" };
  if (errors === 0) return { kind: "ok", word: "No errors" };
  return { kind: "bad", word: `${count(errors, "error")}, ${percent(errors / requests)}` };
}

/** `late@7`, without the kind. */
export function short(version: string): string {
  return version.replace(/^model:/, "");
}

/** Each version keeps its colour wherever it is drawn; neighbours differ. */
export function colourOf(version: string): 1 | 2 | 3 | 4 | 5 | 6 {
  const number = Number(parse(version)?.at) || 1;
  return (((number - 1) % 6) + 1) as 1 | 2 | 3 | 4 | 5 | 6;
}

/** A verdict without the numbers that it rests on: these stand beside it. */
export function verdictOf(sentence: string): string {
  const numbers = sentence.search(/ (Squared error against the stable version|e-value [^ ]+, limit) /);
  return typeset(numbers < 0 ? sentence : sentence.slice(0, numbers));
}

/** Numbers as they are written elsewhere: `3.74e+03` is 3740, and what is below zero has a minus. */
export function typeset(text: string): string {
  return text
    .replace(/\d(?:\.\d+)?e[+-]\d+/g, (number) => significant(Number(number)))
    .replace(/(^|[\s[(])-(?=\d)/g, "$1−");
}

/** The Ref of an answer; a request may be called by signs that a Ref has no place for. */
export function predictionRef(endpoint: string, request: string): string {
  const safe = encodeURIComponent(request).replace(/%2F|%2B|%3D/g, decodeURIComponent);
  return `prediction:${endpoint}/${safe}`;
}

/** So many decimals, without a sign where nothing is left of the number. */
export function fixed(value: number, decimals: number, signed = false): string {
  const text = Math.abs(value).toFixed(decimals);
  if (Number(text) === 0) return text;
  return `${value < 0 ? "−" : signed ? "+" : ""}${text}`;
}

/** The rollouts as they were known at an instant: what ended later was still running. */
export function asOf(rollouts: readonly Rollout[], at: string | undefined): readonly Rollout[] {
  if (at === undefined) return rollouts;
  const then = Date.parse(at);
  return rollouts
    .filter(({ started_at }) => Date.parse(started_at) <= then)
    .map((rollout) => {
      if (rollout.ended_at && Date.parse(rollout.ended_at) <= then) return rollout;
      const steps = rollout.steps.filter(({ since }) => Date.parse(since) <= then);
      const looks = (rollout.looks ?? []).filter((look) => Date.parse(look.at) <= then);
      return { ...rollout, state: "running", reason: "", ended_at: null, evidence: null, steps, looks };
    });
}
