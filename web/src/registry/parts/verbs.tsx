import { useMemo } from "react";
import { send } from "../../kernel/api/client";
import type { Schema } from "../../kernel/api/types";
import { date } from "../../kernel/time";
import { type Question, useConfirm } from "../../ui/confirm";
import { said } from "../../ui/report/words";
import { toast } from "../../ui/toasts";
import { CHAMPION, failures, passed, type Review, type Verb } from "./standing";

export interface Act {
  verb: Verb;
  word: string;
  allowed: boolean;
  /** Why not, and what to do about it. */
  reason: string;
  hint: string;
  run: () => void;
}

type Permit = Schema<"Permit">;
const WORDS: Partial<Record<Verb, string>> = { rollback: "Roll back", break_glass: "Break-glass promote" };
const DONE: Record<Decision, string> = {
  approve: "Approved",
  reject: "Rejected",
  promote: "Promoted",
  rollback: "Rolled back",
  retire: "Retired",
  break_glass: "Break-glass promotion of",
};

/** What may be done with a version now; each asks before it acts, and the server has the last word. */
export function useActs(review: Review | undefined): Act[] {
  const confirm = useConfirm();
  return useMemo(() => {
    if (!review) return [];
    const named = aliasOf(review) !== undefined;
    return review.may
      .filter(({ verb }) => verb !== "rollback" || named)
      .map((permit) => actOf(permit, review, confirm));
  }, [review, confirm]);
}

type Confirm = (question: Question) => Promise<unknown>;

function actOf({ verb, allowed, reason, hint }: Permit, review: Review, confirm: Confirm): Act {
  const ref = nameOf(review);
  const word = WORDS[verb] ?? said(verb);
  const act = { verb, word, allowed, reason, hint };
  if (verb === "check") return { ...act, run: () => void check(ref) };
  const question = {
    ...QUESTIONS[verb](review),
    title: verb === "break_glass" ? `Promote ${ref} without approval (break-glass)?` : `${word} ${ref}?`,
    verb: word,
  };
  const perform = async (given: string) => {
    await decide(verb, ref, given, aliasOf(review));
    toast({ text: `${DONE[verb]} ${ref}` });
  };
  return { ...act, run: () => void confirm({ ...question, act: perform }) };
}

type Decision = Exclude<Verb, "check">;

async function decide(verb: Decision, ref: string, reason: string, alias: string | undefined): Promise<void> {
  const given = { path: { ref }, body: { reason } };
  if (verb === "approve") await send("post", "/model-versions/{ref}/approve", given);
  else if (verb === "reject") await send("post", "/model-versions/{ref}/reject", given);
  else if (verb === "retire") await send("post", "/model-versions/{ref}/retire", given);
  else if (verb === "rollback")
    await send("post", "/model-versions/{ref}/rollback", { path: { ref }, body: { alias, reason } });
  else if (verb === "break_glass") await send("post", "/model-versions/{ref}/break-glass", given);
  else await send("post", "/model-versions/{ref}/promote", given);
}

async function check(ref: string): Promise<void> {
  try {
    const done = await send("post", "/model-versions/{ref}/check", { path: { ref } });
    toast(done.passed ? { text: passed(done) } : { text: `Failed ${failures(done)}`, kind: "bad" });
  } catch (error) {
    toast({ text: error instanceof Error ? error.message : String(error), kind: "bad" });
  }
}

const QUESTIONS: Record<Decision, (review: Review) => Pick<Question, "text" | "danger" | "reason">> = {
  approve: ({ check }) => ({
    text: `You approve its promotion, on the evidence of its check${check ? ` of ${date(check.at)}` : ""}.`,
    reason: "required",
  }),
  reject: () => ({
    text: "A rejection is final: the version can no longer be approved.",
    danger: true,
    reason: "required",
  }),
  promote: (review) => ({ text: promotion(review), reason: "optional" }),
  rollback: (review) => ({
    text: `${aliasOf(review)} moves back to the version that it named before.`,
    danger: true,
    reason: "required",
  }),
  break_glass: ({ model }) => ({
    text: `It becomes ${CHAMPION} at once, without approval. Everybody is alerted, and somebody else must review it within ${model.tier?.review_hours ?? 24} hours. It is valid for ${model.tier?.glass_hours ?? 168} hours at most; by then it must be approved or rolled back.`,
    danger: true,
    reason: "required",
  }),
  retire: () => ({
    text: "It can no longer be approved, promoted or deployed. This is final.",
    danger: true,
    reason: "required",
  }),
};

function promotion({ champion }: Review): string {
  const before = champion
    ? `${champion.replace("model:", "")} is replaced as ${CHAMPION} at once.`
    : `It is the first ${CHAMPION}.`;
  return `${before} It is not tested on live requests first; to do that, start a rollout on an endpoint.`;
}

function nameOf({ version }: Review): string {
  return `${version.model}@${version.version}`;
}

function aliasOf({ model, version }: Review): string | undefined {
  return Object.entries(model.aliases ?? {}).find(([, at]) => at === version.version)?.[0];
}

/** The one thing to do next, if there is one. */
export function nextOf(acts: readonly Act[], { version, model, check, problem }: Review): Act | undefined {
  const allowed = (verb: Verb) => acts.find((act) => act.verb === verb && act.allowed);
  if (version.state === "approved")
    return version.version > (model.aliases?.[CHAMPION] ?? 0) ? allowed("promote") : undefined;
  if (version.state !== "registered" && version.state !== "expired" && version.state !== "emergency") return undefined;
  return !check || problem ? allowed("check") : allowed("approve");
}
