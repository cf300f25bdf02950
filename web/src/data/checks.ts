import type { Schema } from "../kernel/api/types";
import { full } from "../kernel/number";
import { duration } from "../kernel/time";

export type Spec = Schema<"CheckSpec">;
export type Scalar = string | number | boolean | null;
export type Row = Readonly<Record<string, Scalar>>;
/** What a result and its mark have in common. */
export type Result = Schema<"CheckMark">;

/** A result, and the same result in another delivery: the check and the columns that it looks at. */
export function checkKey({ check, columns }: { check: string; columns: readonly string[] }): string {
  return `${check}:${columns.join(",")}`;
}

/** What of the contract a result is about; the key implies checks that the contract does not list. */
export function specOf(contract: Schema<"Contract">, result: { check: string; columns: readonly string[] }): Spec {
  const key = checkKey(result);
  const listed = contract.checks?.find((spec) => checkKey({ check: spec.check, columns: over(spec) }) === key);
  return listed ?? { check: result.check, column: null, columns: [...result.columns], parameters: {}, tolerance: 0 };
}

export function over({ column, columns = [] }: Spec): string[] {
  return column === null ? columns : [column, ...columns];
}

/** What must hold, as the end of a sentence that begins with the columns. */
export function must(spec: Spec): string {
  const told = (spec.parameters ?? {}) as Record<string, unknown>;
  const say = SENTENCES[spec.check];
  if (say) return say(told);
  const parameters = Object.entries(told).map(([name, value]) => `${name} ${words(value)}`);
  return [`must pass ${spec.check}`, ...parameters].join(", ");
}

const SENTENCES: Readonly<Record<string, (told: Record<string, unknown>) => string>> = {
  schema: () => "must have the types of the dataset",
  not_null: () => "must not be null",
  unique: () => "must differ in all rows of all versions",
  monotonic: () => "must never fall",
  in_set: ({ values }) => `must be one of ${words(values)}`,
  matches: ({ pattern }) => `must match ${words(pattern)}`,
  in_range: ({ minimum, maximum }) => `must be ${between(minimum, maximum)}`,
  foreign_key: ({ to, also }) =>
    `must occur in ${words(to)}${Array.isArray(also) && also.length ? ` or be one of ${words(also)}` : ""}`,
  no_outliers: ({ spreads = 10 }) => `must lie within ${words(spreads)} interquartile ranges of the quartiles`,
  fresh: ({ max_age_hours }) => `must have an instant of the last ${hours(Number(max_age_hours))}`,
  row_count: ({ minimum = 1, maximum }) => `must number ${between(minimum, maximum)}`,
};

function between(minimum: unknown, maximum: unknown): string {
  if (minimum === undefined || minimum === null) return `at most ${words(maximum)}`;
  if (maximum === undefined || maximum === null) return `at least ${words(minimum)}`;
  return `between ${words(minimum)} and ${words(maximum)}`;
}

function words(value: unknown): string {
  if (Array.isArray(value)) return value.map(words).join(", ");
  return typeof value === "number" ? full(value) : typeof value === "string" ? value : JSON.stringify(value);
}

/** A span given in hours; what is less than a minute is no age. */
export function hours(value: number): string {
  return Math.abs(value) < 1 / 60 ? "0 h" : duration(value * 3_600_000);
}

/** What a check is about: its columns, or all rows of a delivery. */
export function subject(check: string, columns: readonly string[]): string {
  if (check === "schema") return "columns";
  return columns.length ? columns.join(", ") : "rows";
}

/** The values that offended, each once, as far as the sample goes, and as many as fit a line; `more` says that there are others. */
export function offending(columns: readonly string[], sample: readonly Row[]): { values: string[]; more: boolean } {
  const all = new Set(sample.map((row) => columns.map((column) => cellText(row[column])).join(", ")));
  const values: string[] = [];
  for (const value of columns.length ? all : []) {
    if (values.length && [...values, value].join("  ").length > LINE_LENGTH) break;
    values.push(value);
  }
  return { values, more: columns.length > 0 && values.length < all.size };
}

const LINE_LENGTH = 36;

/** The columns of rows: those that matter first, then the others in the order of the schema. */
export function arranged(rows: readonly Row[], first: readonly string[], schema: readonly string[]): string[] {
  const here = new Set(rows.flatMap((row) => Object.keys(row)));
  here.delete(LINE);
  return [...new Set([...first, ...schema, ...here])].filter((column) => here.has(column));
}

/** Where a sample has the place of a row in its delivery. */
export const LINE = "_row";

const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}/;

/** A cell as people read it: instants to the second at most, numbers to six digits. */
export function cellText(value: Scalar | undefined): string {
  if (value === null || value === undefined) return "null";
  if (typeof value === "number") return numberText(value);
  if (typeof value === "string" && INSTANT.test(value)) return instantText(value);
  return String(value);
}

function numberText(value: number): string {
  const text = Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
  return text.replace("-", "−");
}

function instantText(value: string): string {
  const text = value.slice(0, 19).replace("T", " ");
  return text.endsWith(":00") ? text.slice(0, -3) : text;
}
