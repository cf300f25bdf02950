import type { Schema } from "../../kernel/api/types";

export type Cell = Schema<"RunRow">["cells"][string] | undefined;

/** A measured value: what JSON has no number for travels as a word. */
export function toNumber(cell: Cell): number | undefined {
  if (typeof cell === "number") return cell;
  if (cell === "nan") return Number.NaN;
  if (cell === "inf") return Infinity;
  return cell === "-inf" ? -Infinity : undefined;
}

/** Of `auc` the ends of its interval, where the run measured `auc_low` and `auc_high` as well. */
export function ends(key: string): readonly [low: string, high: string] {
  return [`${key}_low`, `${key}_high`];
}

/** The metrics that stand for themselves: the ends of intervals belong to another, and what the machine did is another matter. */
export function leading(metrics: readonly string[]): string[] {
  const all = new Set(metrics);
  const isEnd = (key: string) => /_(low|high)$/.test(key) && all.has(key.replace(/_(low|high)$/, ""));
  return metrics.filter((key) => !isEnd(key) && !isSystem(key));
}

/** Whether a metric is of the machine that the run was on: its CPU, memory, disk. */
export function isSystem(key: string): boolean {
  return key.startsWith("system/");
}

interface Measured {
  id: string;
  cells: Readonly<Record<string, Cell>>;
}

/** Where the runs stand in the order of a metric: the first, and those whose interval reaches into that of the first. */
export interface Standing {
  metric: string;
  best: string;
  near: ReadonlySet<string>;
}

/** `rows` are in the order of `sort`, such as `-metrics.auc`. */
export function standing(rows: readonly Measured[], sort: string): Standing | undefined {
  const metric = /^-?metrics\.(.+)$/.exec(sort)?.[1];
  const best = rows[0];
  if (metric === undefined || best === undefined) return undefined;
  const own = interval(best, metric);
  const near = rows.slice(1).filter((row) => {
    const other = interval(row, metric);
    return own && other && other.low <= own.high && other.high >= own.low;
  });
  return { metric, best: best.id, near: new Set(near.map(({ id }) => id)) };
}

export function interval({ cells }: Measured, metric: string): { low: number; high: number } | undefined {
  const [low, high] = ends(metric).map((key) => toNumber(cells[`metrics.${key}`]));
  return low !== undefined && high !== undefined ? { low, high } : undefined;
}
