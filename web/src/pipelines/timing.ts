import type { Schema } from "../kernel/api/types";
import { time } from "../kernel/time";

type StepRun = Schema<"StepRun">;

export interface Placed {
  step: StepRun;
  /** Milliseconds since 1970; null while it waits. */
  queued: number | null;
  started: number | null;
  ended: number | null;
}

export interface Timing {
  rows: readonly Placed[];
  /** The clock stood while the steps ran (a replay): they are drawn by the real time that each took. */
  stood: boolean;
  /** Calls that nothing else could have waited for less long; none where all ran one after another. */
  critical: ReadonlySet<string>;
}

/** When each call ran. Where the clock stood, in the order of the body, one after another. */
export function timing(steps: readonly StepRun[], now: number): Timing {
  const rows = steps.map(seen);
  const instants = rows.flatMap(({ queued, started, ended }) => [queued, started, ended].filter((at) => at !== null));
  const stood =
    instants.length > 0 && Math.max(...instants) === Math.min(...instants) && rows.every(({ ended }) => ended);
  const placed = stood ? inARow(rows) : rows;
  return { rows: placed, stood, critical: stood ? new Set() : criticalOf(placed, now) };
}

function seen(step: StepRun): Placed {
  const ended = step.ended === null ? null : time(step.ended);
  return { step, queued: time(step.queued), started: time(step.started), ended };
}

function inARow(rows: readonly Placed[]): Placed[] {
  let at = rows[0]?.started ?? 0;
  return rows.map(({ step }) => {
    const started = at;
    at += (step.wall_s ?? 0) * 1000;
    return { step, queued: null, started, ended: at };
  });
}

/** From the call that ended last back to the one that it waited for longest, and so on. */
function criticalOf(rows: readonly Placed[], now: number): ReadonlySet<string> {
  const known = new Map(rows.map((row) => [row.step.id, row]));
  const end = (row: Placed) => row.ended ?? now;
  const latest = (some: readonly Placed[]) =>
    some.reduce<Placed | undefined>((last, row) => (last && end(last) >= end(row) ? last : row), undefined);
  const chain = new Set<string>();
  let at = isParallel(rows, now) ? latest(rows.filter(({ step }) => !step.cached)) : undefined;
  while (at && !chain.has(at.step.id)) {
    chain.add(at.step.id);
    at = latest((at.step.needs ?? []).flatMap((id) => known.get(id) ?? []).filter(({ step }) => !step.cached));
  }
  return chain;
}

function isParallel(rows: readonly Placed[], now: number): boolean {
  const ran = rows
    .filter(({ step }) => !step.cached)
    .map(({ started, ended }) => [started ?? now, ended ?? now] as const);
  const sorted = ran.sort(([a], [b]) => a - b);
  return sorted.some(([from], i) => i > 0 && from < (sorted[i - 1]?.[1] ?? from));
}
