import { ApiError } from "../kernel/api/errors";
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

type Answer = Question["answer"];
/** A choice of several is asked for as an answer of its own. */
export type AnswerKind = Answer["kind"] | "several";

export const ANSWERS: Readonly<Record<AnswerKind, string>> = {
  pass_fail: "pass or fail",
  choice: "one of some options",
  several: "several of some options",
  number: "a number",
  text: "text",
};

export function kindOf({ kind, several }: Answer): AnswerKind {
  return several ? "several" : kind;
}

const FREE = { several: false, least: null, most: null, signs_max: null };

/** What an answer may be, from the fields of a form. */
export function answerFrom(kind: AnswerKind, given: (name: string) => string): Answer {
  const number = (name: string) => (given(name) === "" ? null : Number(given(name)));
  const lines = given("answer").split("\n");
  const options = lines.map((line) => line.trim()).filter(Boolean);
  if (kind === "number") return { ...FREE, kind, least: number("least"), most: number("most") };
  if (kind === "text") return { ...FREE, kind, signs_max: number("signs_max") };
  return kind === "several" ? { ...FREE, kind: "choice", several: true, options } : { ...FREE, kind, options };
}

export function answerInWords({ kind, several, options = [], least, most, signs_max }: Answer): string {
  if (kind === "text") return signs_max == null ? "text" : `text of up to ${signs_max} characters`;
  if (kind !== "number") return (several ? "several of: " : "") + options.join(several ? ", " : " / ");
  if (least != null && most != null) return `${least} to ${most}`;
  return `a number${least == null ? "" : ` from ${least}`}${most == null ? "" : ` up to ${most}`}`;
}

/** How text is called that was meant as the only one of its kind, as evaluation libraries call it. */
const ALONE = { inputs: "input", expectations: "expected_response" } as const;

/** A JSON object, or text alone under its usual name; what only looks like JSON is refused at its field. */
export function objectOf(typed: string, field: keyof typeof ALONE): Record<string, unknown> {
  if (typed === "") return {};
  if (!typed.startsWith("{")) return { [ALONE[field]]: typed };
  try {
    return JSON.parse(typed) as Record<string, unknown>;
  } catch (error) {
    const message = `not JSON: ${error instanceof Error ? error.message : String(error)}`;
    throw new ApiError(400, { type: "Invalid", message, field });
  }
}
