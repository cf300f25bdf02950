import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import type { Schema } from "../../kernel/api/types";
import { count, percent } from "../../kernel/number";
import { Section } from "../../ui/card";
import { Loaded } from "../../ui/loaded";
import { Interval } from "../../ui/num";
import { Table, type TableColumn } from "../../ui/table";
import { Segments } from "../../ui/tabs";
import { type Comparison, influencesQuery } from "../queries";
import { bare } from "./scatter";

type Influence = Schema<"Influence">;
export type Of = "these" | "all";

interface InfluencesProps {
  comparison: Comparison;
  /** `metrics.auc` */
  metric: string;
  of: Of;
  onOf: (of: Of) => void;
  onPick: (param: string) => void;
}

/** Which parameters the metric goes with, as far as these runs can tell, and what chance alone would say. */
export function Influences({ comparison, metric, of, onOf, onPick }: InfluencesProps) {
  const experiments = new Set(comparison.runs.map(({ experiment }) => experiment));
  const [experiment] = experiments.size === 1 ? experiments : [];
  const all = of === "all" && experiment !== undefined;
  const ids = useMemo(() => comparison.runs.map(({ id }) => id), [comparison]);
  const found = useQuery(
    influencesQuery(
      bare(metric),
      all ? { experiment } : { where: [`id in (${ids.map((id) => `"${id}"`).join(", ")})`] },
    ),
  );
  const columns = useMemo(() => columnsOf(onPick), [onPick]);
  return (
    <Section
      title="Parameter importance"
      note={found.data && `${bare(metric)} of ${found.data.more ? "the newest " : ""}${count(found.data.runs, "run")}`}
      aside={
        experiment !== undefined && (
          <Segments
            label="Of which runs"
            items={[
              { value: "these", text: `These ${ids.length}` },
              { value: "all", text: `All of ${experiment}` },
            ]}
            value={of}
            onChange={onOf}
          />
        )
      }
    >
      <Loaded query={found} empty={undefined}>
        {({ params, runs }) =>
          params.length === 0 ? (
            <p className="muted">
              {runs < LEAST
                ? `It takes at least ${LEAST} runs with this metric to tell influence from chance: there are ${runs}.`
                : "No parameter differs between them, or the metric does not."}
            </p>
          ) : (
            <>
              <Table label="Parameters by influence" columns={columns} rows={params} rowKey={({ param }) => param} />
              <p className="muted compare-method">
                Each parameter alone: the share of the metric's ranks that lies between groups of its values
                (Kruskal–Wallis η², corrected for chance); the tick is what 95 % of 499 shuffles stay below, p holds for
                all parameters together. Trend is Spearman's ρ with its 95 % interval. Runs that were not tried at
                random may have it so for another reason.
              </p>
            </>
          )
        }
      </Loaded>
    </Section>
  );
}

const LEAST = 8;

function columnsOf(onPick: (param: string) => void): TableColumn<Influence>[] {
  return [
    {
      head: "Parameter",
      cell: ({ param, along }) => (
        <>
          <button type="button" className="compare-sort" onClick={() => onPick(`params.${param}`)} title="Draw it">
            {param}
          </button>
          {along.length > 0 && <span className="muted"> changed along with {along.join(", ")}</span>}
        </>
      ),
    },
    { head: "Share", grow: true, cell: (one) => <Share {...one} /> },
    {
      head: "In percent",
      quiet: true,
      align: "end",
      cell: ({ share }) => percent(Math.max(0, share)),
    },
    {
      head: "p",
      align: "end",
      cell: ({ p }) => <span className={p <= 0.05 ? undefined : "muted"}>{p <= 0.002 ? "≤ 0.002" : p.toFixed(3)}</span>,
    },
    { head: "Trend", align: "end", cell: ({ trend, low, high }) => <Interval value={trend} low={low} high={high} /> },
    { head: "Values", align: "end", cell: ({ values }) => values },
  ];
}

/** How far it reaches, and where chance ends. */
function Share({ share, chance }: Influence) {
  const at = (value: number) => `${100 * Math.min(1, Math.max(0, value))}%`;
  return (
    <span className="compare-share" data-faint={share <= chance || undefined}>
      <span style={{ width: at(share) }} />
      <i style={{ left: at(chance) }} title={`95 % of shuffles stay below ${percent(Math.max(0, chance))}`} />
    </span>
  );
}
