import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { Section } from "../../ui/card";
import { Loaded } from "../../ui/loaded";
import { Num } from "../../ui/num";
import { Histogram } from "../../ui/plots/histogram";
import { RefLink } from "../../ui/ref-link";
import { Skeleton } from "../../ui/skeleton";
import { Table } from "../../ui/table";
import { binned, type Pair, pairsOf } from "../course";
import { answersQuery } from "../queries";
import { isUnderWay, predictionRef, type Rollout, short } from "../words";
import { Score } from "./score";

const SHOWN = 8;

/** What both versions said to the same requests, and where they differ most. */
export function Answers({ rollout }: { rollout: Rollout }) {
  const answers = useQuery(answersQuery(rollout.endpoint, rollout.id, isUnderWay(rollout)));
  const pairs = useMemo(() => pairsOf(answers.data ?? []), [answers.data]);
  return (
    <Section title="Scores of both versions on the same requests" note={pairs.length || undefined}>
      <Loaded query={answers} skeleton={<Skeleton height={180} />}>
        {() =>
          pairs.length === 0 ? (
            <p className="muted">No request was scored by both yet.</p>
          ) : (
            <div className="serving-pairs">
              <Spread pairs={pairs} rollout={rollout} />
              <Farthest pairs={pairs} rollout={rollout} />
            </div>
          )
        }
      </Loaded>
    </Section>
  );
}

interface PairsProps {
  pairs: readonly Pair[];
  rollout: Rollout;
}

function Spread({ pairs, rollout }: PairsProps) {
  return (
    <figure className="serving-spread">
      <figcaption>
        <span className="serving-bar-key" /> {short(rollout.candidate)}
        <span className="serving-outline-key" /> {short(rollout.stable)}
      </figcaption>
      <Histogram
        label={`Scores of ${short(rollout.candidate)}, outlined those of ${short(rollout.stable)}`}
        bins={binned(pairs.map(({ candidate }) => candidate))}
        against={binned(pairs.map(({ stable }) => stable))}
        xLabel="score"
        height={220}
      />
    </figure>
  );
}

function Farthest({ pairs, rollout }: PairsProps) {
  return (
    <Table
      label="Largest differences"
      rows={pairs.slice(0, SHOWN)}
      rowKey={({ request }) => request}
      columns={[
        {
          head: "Largest differences",
          grow: true,
          cell: ({ request }) => (
            <RefLink to={predictionRef(rollout.endpoint, request)}>
              <code>{request}</code>
            </RefLink>
          ),
        },
        { head: short(rollout.stable), align: "end", cell: ({ stable }) => <Score value={stable} /> },
        { head: short(rollout.candidate), align: "end", cell: ({ candidate }) => <Score value={candidate} /> },
        {
          head: "Difference",
          align: "end",
          cell: ({ stable, candidate }) => <Score value={candidate - stable} signed />,
        },
        { head: "Outcome", align: "end", cell: ({ label }) => <Num value={label} /> },
      ]}
    />
  );
}
