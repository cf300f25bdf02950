import type { Schema } from "../../kernel/api/types";
import { count } from "../../kernel/number";
import { duration, exact, time } from "../../kernel/time";
import { Facts } from "../../ui/facts";
import { Interval } from "../../ui/num";
import { RefLink } from "../../ui/ref-link";
import { said } from "../../ui/report/words";
import { Status, Tag } from "../../ui/status";
import { Time } from "../../ui/time";
import {
  type AliasMark,
  ahead,
  CHAMPION,
  failures,
  kindOf,
  lapse,
  passed,
  type VersionLine,
  waitsFor,
} from "./standing";
import { Deprecated } from "./stewardship";
import { Day, Words } from "./words";

interface ProductionProps {
  mark: AliasMark;
  /** The version that it names; not there if it is older than those listed. */
  line: VersionLine | undefined;
  metric: string;
  /** The moment that the page shows. */
  at: string;
}

/** What an alias names, since when, and why: who approved on which evidence, who promoted. */
export function Production({ mark, line, metric, at }: ProductionProps) {
  const approvals = line?.decisions.filter((decision) => decision.kind === "approved") ?? [];
  const estimate = line?.metrics[metric];
  return (
    <div className="model-production">
      <p className="model-production-name">
        <RefLink to={mark.ref} bare />
        <Tag text={mark.alias} />
      </p>
      {line && line.state !== "approved" && (
        <p>
          <Status kind={kindOf(line.state)} word={line.state === "emergency" ? "break-glass" : lapse(line)} />
        </p>
      )}
      {line?.deprecated && <Deprecated said={line.deprecated} />}
      <p className="model-production-since">
        since <strong>{exact(mark.since).replace(":00 UTC", " UTC")}</strong>
        <span className="muted">, for {span(time(at) - time(mark.since))}</span>
      </p>
      <Facts
        items={[
          ...approvals.map((decision) => ["Approved", <Act key="approved" {...decision} />] as const),
          ...(line?.check ? [["Checked", <Gates key="gates" check={line.check} />] as const] : []),
          [HOW[mark.how], <Act key="promoted" {...mark} at={mark.since} />],
          ...(estimate ? [[said(metric), <Interval key="metric" {...estimate} />] as const] : []),
        ]}
      />
    </div>
  );
}

const HOW = { promoted: "Promoted", rolled_back: "Rolled back", broke_glass: "Break-glass" } as const satisfies Record<
  AliasMark["how"],
  string
>;

/** Whole days once there are two. */
function span(ms: number): string {
  const days = Math.floor(ms / 86_400_000);
  return days < 2 ? duration(ms) : count(days, "day");
}

function Act({ by, at, reason }: { by: string; at: string; reason: string }) {
  return (
    <>
      by <RefLink to={by} /> on <Day at={at} />
      {reason && (
        <q className="model-reason">
          <Words text={reason} />
        </q>
      )}
    </>
  );
}

function Gates({ check }: { check: Schema<"Check"> }) {
  return (
    <>
      <Status kind={check.passed ? "ok" : "bad"} word={passed(check)} /> on <Day at={check.at} />
      {!check.passed && <span className="muted"> {failures(check)}</span>}
    </>
  );
}

/** The versions that might follow the champion, and what each waits for. */
export function Ahead({ versions, moves }: { versions: readonly VersionLine[]; moves: readonly AliasMark[] }) {
  const champion = moves.find((mark) => mark.alias === CHAMPION && mark.until === null)?.version ?? 0;
  const waiting = ahead(versions, champion);
  if (waiting.length === 0) return <p className="muted">No newer version waits.</p>;
  return (
    <ul className="model-ahead">
      {waiting.slice(0, 5).map((line) => (
        <li key={line.version}>
          <span className="row">
            <RefLink to={line.ref} bare />
            <Status kind={kindOf(line.state)} word={line.state} />
            <span className="muted">
              registered <Time at={line.registered_at} />
            </span>
          </span>
          <span className="model-ahead-why">
            <Words text={waitsFor(line)} />
          </span>
        </li>
      ))}
    </ul>
  );
}
