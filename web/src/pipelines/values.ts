import { shortId } from "../ui/id";
import { groups } from "./groups";

const DIGEST = /\b[0-9a-f]{40,}\b/g;
const INSTANT = /(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::00(?:\.0+)?)?(?:Z|\+00:00)/g;

/** A part of a key, given as JSON, as a person would write it: texts without quotes, digests cut short, instants to the minute. */
export function plain(json: string): string {
  try {
    const value: unknown = JSON.parse(json);
    return cut(typeof value === "string" ? value : (large(value) ?? json));
  } catch {
    return cut(json);
  }
}

/** What a large value stands for: `{"$table": digest}` is a table. */
function large(value: unknown): string | undefined {
  const [entry, ...rest] = isRecord(value) ? Object.entries(value) : [];
  if (!entry?.[0].startsWith("$") || rest.length > 0) return undefined;
  return `${entry[0].slice(1)} ${typeof entry[1] === "string" ? entry[1] : JSON.stringify(entry[1])}`;
}

function cut(text: string): string {
  return text.replace(DIGEST, shortId).replace(INSTANT, "$1 $2");
}

/** Parameters in one line: `n=600  folds=6`. */
export function line(parameters: Readonly<Record<string, unknown>>): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== null);
  return given.map(([name, value]) => `${name}=${plain(JSON.stringify(value))}`).join("  ");
}

/** The names whose values are not the same in all of them; those that differ most first. */
export function varying(all: readonly Readonly<Record<string, unknown>>[]): ReadonlySet<string> {
  const names = new Set(all.flatMap((one) => Object.keys(one)));
  const kinds = [...names].map((name) => [name, new Set(all.map((one) => JSON.stringify(one[name]))).size] as const);
  return new Set(
    kinds
      .filter(([, many]) => many > 1)
      .sort(([, a], [, b]) => b - a)
      .map(([name]) => name),
  );
}

interface Call {
  id: string;
  name: string;
  arguments?: Readonly<Record<string, unknown>>;
}

/** What tells calls of the same step apart: those of their arguments, and of the parts of these, that differ. */
export function apart(calls: readonly Call[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const same of groups(calls, ({ name }) => name).values()) {
    if (same.length < 2) continue;
    const given = same.map((call) => flat(call.arguments ?? {}));
    const names = new Set(given.flatMap((one) => [...one.keys()]));
    const differing = [...names].filter((name) => new Set(given.map((one) => one.get(name))).size > 1);
    same.forEach(({ id }, i) => {
      const words = differing.flatMap((name) => {
        const word = given[i]?.get(name);
        return word === undefined ? [] : [`${name} ${word}`];
      });
      if (words.length) found.set(id, words.join(", "));
    });
  }
  return found;
}

function flat(given: Readonly<Record<string, unknown>>): ReadonlyMap<string, string> {
  const parts = Object.entries(given).flatMap(([name, value]) =>
    isRecord(value) && large(value) === undefined ? Object.entries(value) : [[name, value] as const],
  );
  return new Map(parts.map(([name, value]) => [name, plain(JSON.stringify(value))]));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
