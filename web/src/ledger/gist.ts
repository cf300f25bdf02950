import { short } from "../kernel/number";
import type { Event } from "./queries";

const WORDS = ["reason", "sentence", "text", "problem", "error", "note"];
const SHOWN = 3;
const ID = /^([0-9A-HJKMNP-TV-Z]{26}|[0-9a-f]{24,}(-.*)?)$/;
/** Of how the act came about rather than what it was: shown when the event is opened. */
const ASIDE = new Set(["within", "attempt", "commit", "environment", "binding", "at", "by", "delegated"]);

/** One line about an event: what was said about it, else its first few values. */
export function gist({ data = {} }: Pick<Event, "data">): string {
  const values = data as Readonly<Record<string, unknown>>;
  for (const name of WORDS) {
    const said = values[name];
    if (typeof said === "string" && said.trim()) return said.trim();
  }
  return Object.entries(values)
    .filter(([name, value]) => !ASIDE.has(name) && isShown(value))
    .slice(0, SHOWN)
    .map(([name, value]) => `${name.replaceAll("_", " ")} ${written(value)}`)
    .join(" · ");
}

function isShown(value: unknown): boolean {
  if (typeof value === "string") return value !== "" && !ID.test(value);
  return typeof value === "number" || typeof value === "boolean" || (Array.isArray(value) && isShown(value[0]));
}

function written(value: unknown): string {
  if (typeof value === "number") return short(value);
  if (typeof value === "boolean") return value ? "yes" : "no";
  return Array.isArray(value) ? value.slice(0, SHOWN).map(written).join(", ") : String(value);
}

/** `model.rolled_back` as people say it. */
export function verbWords(verb: string): string {
  return verb.replace(".", " ").replaceAll("_", " ");
}

const BAD = /\.(denied|rejected|refused|quarantined|rolled_back|throttled|reused|raised|aborted|failed)$/;
const GOOD = /\.(approved|promoted)$/;

export function verbKind(verb: string): "ok" | "bad" | undefined {
  return BAD.test(verb) ? "bad" : GOOD.test(verb) ? "ok" : undefined;
}
