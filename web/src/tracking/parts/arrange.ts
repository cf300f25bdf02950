import type { Comparison } from "../queries";
import { type Cell, toNumber } from "./cells";

/** The values of one line of a comparison, such as `params.depth` or `metrics.auc`, in the order of its runs. */
export function valuesOf({ runs, differing, same, metrics }: Comparison, what: string): Cell[] {
  const metric = what.startsWith("metrics.") && metrics.find(({ key }) => `metrics.${key}` === what);
  if (metric) return metric.values.map((value) => value?.last);
  return differing.find((line) => line.what === what)?.values ?? runs.map(() => same[what]);
}

/** The places of the runs in the order of a line, `-metrics.auc` the greatest first; those without a value last. */
export function arrangement(comparison: Comparison, sort: string): number[] {
  const places = comparison.runs.map((_, place) => place);
  if (!sort) return places;
  const values = valuesOf(comparison, sort.replace(/^-/, ""));
  const down = sort.startsWith("-") ? -1 : 1;
  return places.sort((a, b) => ranked(values[a], values[b], down) || a - b);
}

function ranked(a: Cell, b: Cell, down: number): number {
  const [one, two] = [toNumber(a), toNumber(b)];
  const missing = (value: Cell) => value === null || value === undefined || value === "nan";
  if (missing(a) || missing(b)) return Number(missing(a)) - Number(missing(b));
  if (one !== undefined && two !== undefined) return down * (one - two);
  return down * String(a).localeCompare(String(b), "en", { numeric: true });
}

/** Where values stand along an axis: numbers by size, all else as words in order, each at a place of its own. */
export interface Places {
  /** Undefined for numbers. */
  words: readonly string[] | undefined;
  at: (value: Cell) => number | undefined;
}

export function places(values: readonly Cell[]): Places {
  const known = values.filter((value) => value !== undefined && value !== null);
  if (known.every((value) => toNumber(value) !== undefined))
    return { words: undefined, at: (value) => finite(toNumber(value)) };
  const words = [...new Set(known.map(String))].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  const place = new Map(words.map((word, i) => [word, i]));
  return { words, at: (value) => (value === undefined || value === null ? undefined : place.get(String(value))) };
}

function finite(value: number | undefined): number | undefined {
  return value !== undefined && Number.isFinite(value) ? value : undefined;
}
