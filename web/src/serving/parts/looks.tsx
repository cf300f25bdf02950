import { percent, significant } from "../../kernel/number";
import { exact } from "../../kernel/time";
import { useUrlState } from "../../kernel/url";
import { Button } from "../../ui/button";
import { Section } from "../../ui/card";
import { Num } from "../../ui/num";
import { Table } from "../../ui/table";
import { ROLLOUT } from "../fields";
import { type Rollout, short } from "../words";
import { Harm, Score } from "./score";

const SHOWN = 8;

/** Each time that the evidence was held against the limits, the newest first. */
export function Looks({ rollout }: { rollout: Rollout }) {
  const [{ looks: all }, set] = useUrlState(ROLLOUT);
  const limit = 1 / rollout.plan.alpha;
  const newest = (rollout.looks ?? []).toReversed();
  if (newest.length === 0) return null;
  return (
    <Section title="Interim analyses" note={newest.length}>
      <Table
        label="Every interim analysis"
        rows={all ? newest : newest.slice(0, SHOWN)}
        rowKey={({ at, scored, pairs }) => `${at} ${scored} ${pairs}`}
        marked={({ e_value, guard }) => e_value >= limit || guard !== ""}
        columns={[
          { head: "At", cell: ({ at }) => <span className="num">{exact(at)}</span> },
          { head: "Traffic", align: "end", cell: ({ weight }) => percent(weight, 0) },
          { head: "Scored", align: "end", cell: ({ scored }) => <Num value={scored} /> },
          { head: "Labelled", align: "end", cell: ({ pairs }) => <Num value={pairs} /> },
          {
            head: `E-value, limit ${significant(limit)}`,
            align: "end",
            cell: ({ e_value }) => <Num value={e_value} />,
          },
          { head: "Score shift", align: "end", cell: ({ shift }) => <Score value={shift} signed /> },
          {
            head: "Squared error",
            align: "end",
            cell: ({ harm, low, high }) => <Harm harm={harm} low={low} high={high} />,
          },
          {
            head: `Errors, ${short(rollout.stable)} : ${short(rollout.candidate)}`,
            align: "end",
            cell: ({ errors_stable, errors_candidate }) => `${errors_stable} : ${errors_candidate}`,
          },
          { head: "Hard limit", grow: true, cell: ({ guard }) => guard || <span className="muted">kept</span> },
        ]}
      />
      {newest.length > SHOWN && (
        <div>
          <Button small onClick={() => set({ looks: !all })}>
            {all ? "Fewer" : `All ${newest.length} analyses`}
          </Button>
        </div>
      )}
    </Section>
  );
}
