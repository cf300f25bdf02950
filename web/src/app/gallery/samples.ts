import { now } from "../../kernel/time";
import type { StatusKind } from "../../ui/status";

/** Repeatable noise in [0, 1): the same picture each time. */
export function noise(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

export const random = noise(7);

export interface SampleRun {
  id: string;
  name: string;
  kind: StatusKind;
  state: string;
  loss: number | null;
  auc: { value: number; low: number; high: number };
  rows: number;
  model: string;
  at: number;
}

const STATES: readonly [StatusKind, string][] = [
  ["ok", "finished"],
  ["ok", "finished"],
  ["running", "running"],
  ["bad", "failed"],
  ["idle", "killed"],
];

export function sampleRuns(from: number, many: number): SampleRun[] {
  return Array.from({ length: many }, (_, i) => {
    const next = noise((from + i + 1) * 7919);
    next();
    const [kind, state] = STATES[Math.floor(next() * STATES.length)] ?? ["ok", "finished"];
    const auc = 0.68 + next() * 0.08;
    return {
      id: `01JD8X3N5S8W7C1Z9Q${String(from + i).padStart(8, "0")}`,
      name: `gradient boosting, depth ${3 + (i % 6)}, rate ${(0.02 + next() / 4).toFixed(3)}`,
      kind,
      state,
      loss: next() < 0.1 ? null : 0.4 + next(),
      auc: { value: auc, low: auc - 0.004 - next() / 200, high: auc + 0.004 + next() / 200 },
      rows: Math.floor(next() * 3e6),
      model: `model:late@${(from + i) % 40}`,
      at: now() - (from + i) * 5_000_000,
    };
  });
}
