import type { ReactNode } from "react";
import { full, percent, significant } from "../../kernel/number";
import { Section } from "../../ui/card";
import { Num } from "../../ui/num";
import { Status } from "../../ui/status";
import { Table } from "../../ui/table";
import { deciding } from "../course";
import { type Rollout, short } from "../words";
import { Harm, Score } from "./score";

interface Line {
  what: string;
  stable: ReactNode;
  candidate: ReactNode;
  difference: ReactNode;
  limit: ReactNode;
  e?: number;
  decided: boolean;
}

/** What the test watches, what it saw of both, and the limits. */
export function Watched({ rollout }: { rollout: Rollout }) {
  if (!rollout.evidence) return null;
  return (
    <Section title="What was watched">
      <Table
        label="Guards"
        rows={linesOf(rollout, rollout.evidence)}
        rowKey={({ what }) => what}
        marked={({ decided }) => decided}
        columns={[
          {
            head: "Guard",
            grow: true,
            cell: ({ what, decided }) => (
              <span className="row">
                {what} {decided && <Status kind="bad" word="decided" />}
              </span>
            ),
          },
          { head: short(rollout.stable), align: "end", cell: ({ stable }) => stable },
          { head: short(rollout.candidate), align: "end", cell: ({ candidate }) => candidate },
          { head: "Difference", align: "end", cell: ({ difference }) => difference },
          { head: "Limit", align: "end", cell: ({ limit }) => limit },
          { head: "E-value", align: "end", cell: ({ e }) => <Num value={e} /> },
        ]}
      />
    </Section>
  );
}

const none = <span className="muted">–</span>;

function linesOf({ plan, state }: Rollout, seen: NonNullable<Rollout["evidence"]>): Line[] {
  const back = state === "rolled_back";
  const by = back && !seen.guard ? deciding(seen) : undefined;
  const { stable, candidate } = seen;
  return [
    {
      what: "Scores shifted, on the same requests",
      stable: none,
      candidate: none,
      difference: <Score value={seen.shift} signed />,
      limit: plan.max_shift === null ? "free" : `±${significant(plan.max_shift, 2)}`,
      e: seen.e_shift,
      decided: by === "shift",
    },
    {
      what: "Squared error worse, on labelled requests",
      stable: <Score value={stable.brier} />,
      candidate: <Score value={candidate.brier} />,
      difference: <Harm harm={seen.harm} low={seen.low} high={seen.high} />,
      limit: `+${significant(plan.margin, 2)}`,
      e: seen.e_loss,
      decided: by === "loss",
    },
    {
      what: "Fails more often",
      stable: <Num value={stable.errors} />,
      candidate: <Num value={candidate.errors} />,
      difference: <Num value={candidate.errors - stable.errors} signed />,
      limit: `${full(plan.error_ratio)} times as often`,
      e: seen.e_errors,
      decided: by === "errors",
    },
    {
      what: "Slower, p99",
      stable: <Num value={stable.latency_p99_ms} unit="ms" />,
      candidate: <Num value={candidate.latency_p99_ms} unit="ms" />,
      difference: <Num value={minus(candidate.latency_p99_ms, stable.latency_p99_ms)} unit="ms" signed />,
      limit: plan.max_latency_ms === null ? "none set" : `${full(plan.max_latency_ms)} ms`,
      decided: back && seen.guard.includes(" ms"),
    },
    {
      what: seen.guard ? `Hard limit: ${seen.guard}` : "Most requests fail, or always the same score",
      stable: none,
      candidate: none,
      difference: seen.guard ? "broken" : "no",
      limit: percent(0.5, 0),
      decided: back && seen.guard !== "",
    },
  ];
}

function minus(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a - b;
}
