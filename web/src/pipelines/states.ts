import type { Schema } from "../kernel/api/types";
import { count, full } from "../kernel/number";
import type { StatusKind } from "../ui/status";

export type ExecutionState = Schema<"Execution">["state"];
type Step = Pick<Schema<"StepRun">, "state" | "cached">;

interface Shown {
  kind: StatusKind;
  word: string;
}

const EXECUTIONS: Record<ExecutionState, Shown> = {
  queued: { kind: "waiting", word: "Queued" },
  running: { kind: "running", word: "Running" },
  lost: { kind: "warn", word: "Lost its worker" },
  finished: { kind: "ok", word: "Finished" },
  failed: { kind: "bad", word: "Failed" },
  cancelled: { kind: "idle", word: "Cancelled" },
};

const STEPS: Record<Schema<"StepRun">["state"], Shown> = {
  running: { kind: "running", word: "Running" },
  finished: { kind: "ok", word: "Finished" },
  failed: { kind: "bad", word: "Failed" },
  killed: { kind: "warn", word: "Killed" },
};
const REUSED: Shown = { kind: "info", word: "Reused" };

/** The states that a list of executions is narrowed to; the first is none of them. */
export const STATES = ["all", "running", "queued", "lost", "finished", "failed", "cancelled"] as const;

export function ofExecution(state: ExecutionState): Shown {
  return EXECUTIONS[state];
}

export function ofStep({ state, cached }: Step): Shown {
  return cached ? REUSED : STEPS[state];
}

/** Whether anything may still happen to it by itself. */
export function isAlive(state: ExecutionState): boolean {
  return state === "queued" || state === "running" || state === "lost";
}

const COUNTED = [
  ["running", "under way"],
  ["finished", "ran"],
  ["failed", "failed"],
  ["killed", "killed"],
  ["cached", "reused"],
] as const;

/** `3 steps ran, 2 reused`; empty where there is none. */
export function stepsInWords(counts: Readonly<Record<string, number>>): string {
  const there = COUNTED.flatMap(([state, word]) => (counts[state] ? [[counts[state], word] as const] : []));
  return there
    .map(([calls, word], i) => (i === 0 ? `${count(calls, "step")} ${word}` : `${full(calls)} ${word}`))
    .join(", ");
}

export function stateOf(given: unknown): ExecutionState | undefined {
  return typeof given === "string" && given in EXECUTIONS ? (given as ExecutionState) : undefined;
}
