import type { Schema } from "../kernel/api/types";
import { duration } from "../kernel/time";
import type { Keys } from "./queries";

type Feature = Schema<"Feature">;
type Row = Readonly<Record<string, string | number | boolean | null>>;

/** What a feature is, as a sentence about the events of a dataset: `mean of late over 1 d`. */
export function meaning({ kind, column, window_hours }: Feature): string {
  const what = kind === "last" ? `last ${column}` : kind === "count" ? counted(column) : `${kind} of ${column}`;
  return window_hours === null ? `${what}, ever` : `${what} over ${span(window_hours)}`;
}

function counted(column: string | null): string {
  return column === null ? "number of events" : `number of values of ${column}`;
}

/** A window or an age given in hours. */
export function span(hours: number): string {
  return hours < 1 / 60 ? "0 h" : duration(hours * 3_600_000);
}

/** The entities that occur most often in some rows, as texts by column; the most frequent first. */
export function entitiesIn(rows: readonly Row[], columns: readonly string[]): Record<string, string>[] {
  const counts = new Map<string, { entity: Record<string, string>; rows: number }>();
  for (const row of rows) {
    const cells = columns.map((column) => row[column]);
    if (cells.some((cell) => cell === null || cell === undefined)) continue;
    const key = JSON.stringify(cells);
    const known = counts.get(key);
    if (known) known.rows += 1;
    else counts.set(key, { entity: Object.fromEntries(columns.map((c, i) => [c, String(cells[i])])), rows: 1 });
  }
  return [...counts.values()].sort((a, b) => b.rows - a.rows).map(({ entity }) => entity);
}

/** `origin=JFK` as it stands in the address, by column. */
export function keysOf(given: readonly string[]): Record<string, string> {
  return Object.fromEntries(given.map((one) => [one.slice(0, one.indexOf("=")), one.slice(one.indexOf("=") + 1)]));
}

/** Keys with the types of their columns; undefined while one is missing or is not of its type. */
export function typed(
  given: Readonly<Record<string, string>>,
  types: Readonly<Record<string, string>>,
): Keys | undefined {
  const keys: Record<string, string | number | boolean> = {};
  for (const [column, type] of Object.entries(types)) {
    const value = converted(given[column]?.trim() ?? "", type);
    if (value === undefined) return undefined;
    keys[column] = value;
  }
  return keys;
}

function converted(text: string, type: string): string | number | boolean | undefined {
  if (text === "") return undefined;
  if (type === "bool") return text === "true" ? true : text === "false" ? false : undefined;
  if (type !== "int64" && type !== "double") return text;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

/** Instants that divide the days up to `end` evenly, the last being `end`. */
export function instants(end: number, days: number, many: number): string[] {
  const step = (days * 86_400_000) / many;
  return Array.from({ length: many + 1 }, (_, i) => new Date(end - (many - i) * step).toISOString());
}
