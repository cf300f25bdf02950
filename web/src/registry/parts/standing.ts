import type { Schema } from "../../kernel/api/types";
import { parse } from "../../kernel/ref";
import { date } from "../../kernel/time";
import { said } from "../../ui/report/words";
import type { StatusKind } from "../../ui/status";

export type AliasMark = Schema<"AliasMark">;
export type Check = Schema<"Check">;
export type Review = Schema<"Review">;
export type Verb = Schema<"Permit">["verb"];
export type VersionLine = Schema<"VersionLine">;
type State = VersionLine["state"];

export const CHAMPION = "champion";

const KINDS: Record<State, StatusKind> = {
  registered: "waiting",
  approved: "ok",
  expired: "warn",
  emergency: "bad",
  rejected: "bad",
  retired: "idle",
};

export function kindOf(state: State): StatusKind {
  return KINDS[state];
}

/** What the aliases name at the end of the moves. */
export function present(moves: readonly AliasMark[]): AliasMark[] {
  return moves.filter((mark) => mark.until === null);
}

export function passed(check: Check): string {
  const good = check.results.filter((result) => result.passed).length;
  return `${good} of ${check.results.length} gates passed`;
}

/** Why the gates that were not passed were not, in one line. */
export function failures(check: Check): string {
  return check.results
    .filter((result) => !result.passed)
    .map((result) => `${said(result.gate).toLowerCase()}: ${result.reason}`)
    .join("; ");
}

/** Versions that are newer than the champion and might follow it, the newest first. */
export function ahead(versions: readonly VersionLine[], champion: number): VersionLine[] {
  return versions.filter(
    ({ version, state }) => version > champion && (state === "registered" || state === "approved"),
  );
}

/** What a version that might follow the champion waits for. */
export function waitsFor({ state, check }: Pick<VersionLine, "state" | "check">): string {
  if (state === "approved") return "approved, not in production";
  if (!check) return "not checked yet";
  return check.passed ? "waiting for approval" : `fails ${failures(check)}`;
}

export interface Verdict {
  kind: StatusKind;
  word: string;
  text: string;
}

/** May it go? In a word and a sentence, from what the server says of the version. */
export function verdict(review: Review): Verdict {
  const { version, model, check, problem, approvals } = review;
  const last = version.decisions?.at(-1);
  const aliases = Object.entries(model.aliases ?? {}).flatMap(([name, at]) => (at === version.version ? [name] : []));
  if (version.state === "rejected" || version.state === "retired") {
    const word = said(version.state);
    return { kind: kindOf(version.state), word, text: last ? `by ${last.by} on ${date(last.at)}: ${last.reason}` : "" };
  }
  if (version.state === "emergency")
    return { kind: "bad", word: "Without approval", text: "a break-glass promotion, valid for a limited time" };
  if (aliases.length && version.state !== "approved")
    return {
      kind: "warn",
      word: "In production without approval",
      text: `as ${aliases.join(", ")}; ${review.lapse || lapse(version)}`,
    };
  if (aliases.length) return { kind: "ok", word: "In production", text: `serves as ${aliases.join(", ")}` };
  if (version.state === "approved") {
    const by = approvals.map((decision) => decision.by).join(", ");
    return { kind: "ok", word: "Ready to promote", text: `approved by ${by}${check ? `, ${passed(check)}` : ""}` };
  }
  if (version.state === "expired")
    return { kind: "warn", word: "Approval lapsed", text: review.lapse || lapse(version) };
  if (review.lapse) return { kind: "warn", word: "Approval lapsed", text: review.lapse };
  if (!check) return { kind: "waiting", word: "Not checked yet", text: "its gates have not been checked" };
  if (!check.passed) return { kind: "bad", word: "Not ready", text: failures(check) };
  if (problem) return { kind: "warn", word: "Not ready yet", text: problem };
  const missing = `${approvals.length} of ${model.approvals} approvals`;
  return { kind: "waiting", word: "Waiting for approval", text: `${passed(check)}, ${missing}` };
}

/** Why what was approved holds no more. */
export function lapse({ decisions = [], state }: Partial<Pick<VersionLine, "decisions" | "state">>): string {
  const last = decisions.filter(({ kind }) => kind === "approved" || kind === "broke_glass").at(-1);
  if (!last) return "nobody has approved it";
  if (last.kind === "broke_glass") return broken(last);
  if (last.voided_at) return `the approval of ${last.by} is void: ${last.voided_because}`;
  if (state === "expired" && last.expires_at) return `the approval of ${last.by} expired on ${date(last.expires_at)}`;
  return `its rules or its evaluation have changed since ${last.by} approved it`;
}

function broken({ by, voided_because, expires_at }: VersionLine["decisions"][number]): string {
  if (voided_because) return `the break-glass promotion by ${by} is no longer valid: ${voided_because}`;
  return `the break-glass promotion by ${by} was valid until ${expires_at ? date(expires_at) : "now"}`;
}

const NAMED = /\b(?:(rollout|run|execution|evaluation) ([0-9A-HJKMNP-TV-Z]{26}|[0-9a-f]{32})|([a-z]+:[\w.-]+@\w+))\b/g;

/** A sentence of the platform in parts: words, and the Refs in it. */
export function refsIn(text: string): ({ words: string } | { ref: string })[] {
  const parts: ({ words: string } | { ref: string })[] = [];
  let end = 0;
  for (const found of text.matchAll(NAMED)) {
    const [whole, kind, id, ref = `${kind}:${id}`] = found;
    if (!parse(ref)) continue;
    parts.push({ words: text.slice(end, found.index) }, { ref });
    end = found.index + whole.length;
  }
  parts.push({ words: text.slice(end) });
  return parts.filter((part) => "ref" in part || part.words !== "");
}
