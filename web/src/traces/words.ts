import type { Schema } from "../kernel/api/types";
import type { StatusKind } from "../ui/status";

export type Trace = Schema<"Trace">;
export type Span = Schema<"KeptSpan">;
export type Assessment = Schema<"Assessment">;
export type EvalSet = Schema<"EvalSet">;
export type EvalRecord = Schema<"EvalRecord">;
export type Issue = Schema<"Issue">;
export type Question = Schema<"Question">;
export type TraceRule = Schema<"TraceRule">;
export type Lapsed = Schema<"Lapsed">;

const STATES: Readonly<Record<Trace["state"], readonly [StatusKind, string]>> = {
  ok: ["ok", "OK"],
  error: ["bad", "Error"],
  in_progress: ["running", "In progress"],
  unset: ["idle", "Not said"],
};

export function stateOf(state: Trace["state"]): { kind: StatusKind; word: string } {
  const [kind, word] = STATES[state];
  return { kind, word };
}

const ISSUES: Readonly<Record<Issue["state"], readonly [StatusKind, string]>> = {
  pending: ["waiting", "Open"],
  accepted: ["info", "Accepted"],
  rejected: ["idle", "No issue"],
  resolved: ["ok", "Resolved"],
};

export function issueState(state: Issue["state"]): { kind: StatusKind; word: string } {
  const [kind, word] = ISSUES[state];
  return { kind, word };
}

export const SEVERITIES: Readonly<Record<NonNullable<Issue["severity"]>, string>> = {
  high: "high",
  medium: "medium",
  low: "low",
  not_an_issue: "none",
};

export const SOURCES: Readonly<Record<Assessment["source"], string>> = {
  human: "a person",
  code: "code",
  llm_judge: "a model",
  unset: "not said",
};

/** Dollars, down to what a single call costs. */
export function dollars(value: number): string {
  const cents = Math.abs(value) >= 1 || value === 0 ? 2 : Math.min(8, 1 - Math.floor(Math.log10(Math.abs(value))) + 1);
  return `$${value.toFixed(cents)}`;
}

const OPERATOR = /[=<>~]|\b(?:is|in|like|ilike)\b/i;

/** What is typed is a condition if it has an operator, else text that is looked for in what went in and came out. */
export function condition(typed: string): string[] {
  const text = typed.trim();
  if (!text) return [];
  return [
    OPERATOR.test(text)
      ? text
      : `text ~ "${text.replaceAll('"', '""')}" or span.content ~ "${text.replaceAll('"', '""')}"`,
  ];
}

/** The beginning of what went in, as one line: of an object with a single entry, that entry. */
export function gist(request: string): string {
  return /^\{"[^"]{1,40}": ?"((?:[^"\\]|\\.)*)"?\}?$/.exec(request)?.[1]?.replaceAll('\\"', '"') ?? request;
}

/** A value as one line. */
export function said(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}
