import type { Schema } from "../kernel/api/types";
import { percent } from "../kernel/number";
import { type Result, subject } from "./checks";

type State = Schema<"DatasetState">;

/** How the last delivery went, for a line of a table: the word, and the first check that it failed. */
export function lastResult({ last }: State): { kind: "ok" | "bad" | "idle"; word: string; detail: string } {
  if (!last) return { kind: "idle", word: "Nothing delivered", detail: "" };
  const failed = last.checks.filter(({ passed }) => !passed);
  if (last.state === "accepted") return { kind: "ok", word: "Accepted", detail: passing(last.checks.length) };
  const [first] = failed;
  const more = failed.length > 1 ? ` and ${failed.length - 1} more` : "";
  return { kind: "bad", word: "Quarantined", detail: first ? `${named(first)}${more}` : "" };
}

/** A check by its name and columns: `in_range of distance`. */
export function named({ check, columns }: Pick<Result, "check" | "columns">): string {
  return `${check} of ${subject(check, columns)}`;
}

function passing(checks: number): string {
  return checks === 0 ? "no checks" : `${checks} ${checks === 1 ? "check" : "checks"} passed`;
}

/** Whether today's data can be trusted, in one sentence about all datasets. */
export function verdict(states: readonly State[]): { kind: "ok" | "bad"; text: string } {
  const stale = states.filter(({ fresh }) => fresh === false).map(({ dataset }) => dataset.name);
  const waiting = states.filter((state) => state.waiting > 0).map(({ dataset }) => dataset.name);
  const wrong = [
    waiting.length ? `${list(waiting)} ${waiting.length === 1 ? "has" : "have"} a delivery in quarantine` : "",
    stale.length ? `${list(stale)} ${stale.length === 1 ? "is" : "are"} older than promised` : "",
  ].filter(Boolean);
  if (wrong.length) return { kind: "bad", text: `${wrong.join("; ")}.` };
  const promised = states.filter(({ promise_hours }) => promise_hours !== null).length;
  const kept = promised ? `every dataset that promises freshness is fresh` : "none promises freshness";
  return { kind: "ok", text: `No delivery is in quarantine; ${kept}.` };
}

function list(names: readonly string[]): string {
  return names.length > 3 ? `${names.slice(0, 3).join(", ")} and ${names.length - 3} more` : names.join(", ");
}

/** `50 of 24 991 rows, 0.2 %`. */
export function extent({ violations, fraction, columns }: Result, rows: string): string {
  return columns.length === 0 && fraction === 1
    ? "the whole delivery"
    : `${violations} of ${rows} rows, ${percent(fraction)}`;
}

/** The datasets to worry about first; the others by name. */
export function worstFirst(states: readonly State[]): State[] {
  const worry = ({ waiting, fresh }: State) => (waiting > 0 ? 2 : 0) + (fresh === false ? 1 : 0);
  return [...states].sort((a, b) => worry(b) - worry(a) || a.dataset.name.localeCompare(b.dataset.name));
}
