import { count } from "../../kernel/number";
import { date } from "../../kernel/time";
import { RefLink } from "../../ui/ref-link";
import type { AliasMark, Review } from "./standing";
import type { Act } from "./verbs";
import { Day, Words } from "./words";

interface Told {
  at: string;
  what: string;
  who: string;
  why: string;
}

/** All that was decided about a version, the newest first: who, when, why. */
export function History({ review, moves }: { review: Review; moves: readonly AliasMark[] }) {
  return (
    <ol className="model-history">
      {historyOf(review, moves).map(({ at, what, who, why }) => (
        <li key={`${at} ${what}`}>
          <Day at={at} />
          <span>
            {what} {who && <RefLink to={who} />}
            {why && (
              <q className="model-reason">
                <Words text={why} />
              </q>
            )}
          </span>
        </li>
      ))}
    </ol>
  );
}

/** The registration, the last check, the decisions, and what aliases did with a version, the newest first. */
export function historyOf({ version, check }: Review, moves: readonly AliasMark[]): Told[] {
  const told: Told[] = [
    { at: version.registered_at, what: "registered by", who: version.author, why: version.note },
    ...(check
      ? [{ at: check.at, what: `${check.passed ? "passed" : "failed"} its last check by`, who: check.by, why: "" }]
      : []),
    ...(version.decisions ?? []).flatMap(({ at, kind, by, reason, expires_at, voided_at, voided_because }) => [
      {
        at,
        what:
          kind === "broke_glass"
            ? "break-glass promotion by"
            : `${kind}${expires_at ? ` until ${date(expires_at)}` : ""} by`,
        who: by,
        why: reason,
      },
      ...(voided_at ? [{ at: voided_at, what: `void: ${voided_because ?? ""}`, who: "", why: "" }] : []),
    ]),
    ...moves
      .filter((mark) => mark.version === version.version)
      .flatMap(({ alias, since, until, by, how, reason }) => [
        {
          at: since,
          what: `${MOVED[how]} ${alias} by`,
          who: by,
          why: reason,
        },
        ...(until ? [{ at: until, what: `replaced as ${alias}`, who: "", why: "" }] : []),
      ]),
  ];
  return told
    .map((one, i) => ({ one, i }))
    .sort((a, b) => Date.parse(b.one.at) - Date.parse(a.one.at) || b.i - a.i)
    .map(({ one }) => one);
}

const MOVED = {
  promoted: "promoted to",
  rolled_back: "rolled back to",
  broke_glass: "made by break-glass",
} as const satisfies Record<AliasMark["how"], string>;

/** What stands in the way of each verb that cannot be used now. */
export function WhyNot({ acts, review }: { acts: readonly Act[]; review: Review }) {
  const barred = acts.filter((act) => !act.allowed && act.verb !== "retire" && act.verb !== "break_glass");
  return (
    <>
      <p className="model-approvals">
        <strong>{review.approvals.length}</strong> of {count(review.model.approvals, "approval")} that{" "}
        {review.model.approvals === 1 ? "is" : "are"} needed
      </p>
      {barred.length > 0 && (
        <details className="model-barred" open={review.version.state === "registered"}>
          <summary>Unavailable actions</summary>
          <ul>
            {barred.map(({ verb, word, reason, hint }) => (
              <li key={verb}>
                <strong>{word}:</strong> <Words text={reason} />
                {hint && (
                  <span className="muted">
                    {" · "}
                    <Words text={hint} />
                  </span>
                )}
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}
