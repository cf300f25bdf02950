import { Interval, Num } from "../../ui/num";
import { RefLink } from "../../ui/ref-link";
import { said } from "../../ui/report/words";
import { Table, type TableColumn } from "../../ui/table";
import type { Review } from "./standing";
import { type Estimate, Whiskers } from "./whisker";

type Row = Review["metrics"][number];

/** The version beside the champion and the baseline, each metric on its own axis. */
export function Comparison({ review: { metrics, champion, version } }: { review: Review }) {
  const has = (part: "champion" | "baseline") => metrics.some((row) => row[part] !== null);
  const columns: TableColumn<Row>[] = [
    {
      head: "Metric",
      cell: (row) => (
        <>
          {said(row.metric)} <span className="muted">{row.higher_is_better ? "↑" : "↓"}</span>
          <span className="sr-only">{row.higher_is_better ? "higher is better" : "lower is better"}</span>
        </>
      ),
    },
    { head: "Intervals", quiet: true, minor: true, grow: true, cell: (row) => <Whiskers marks={marksOf(row)} /> },
    { head: <RefLink to={version.ref} bare />, align: "end", cell: (row) => <Value estimate={row.ours} /> },
    ...(champion && has("champion")
      ? ([
          { head: <RefLink to={champion} bare />, align: "end", cell: (row) => <Value estimate={row.champion} /> },
          { head: "Better by", align: "end", cell: (row) => <Num value={gain(row)} signed /> },
        ] satisfies TableColumn<Row>[])
      : []),
    ...(has("baseline")
      ? ([
          { head: "Baseline", align: "end", cell: (row) => <Value estimate={row.baseline} /> },
        ] satisfies TableColumn<Row>[])
      : []),
  ];
  return <Table label="Metrics beside the champion's" columns={columns} rows={metrics} rowKey={(row) => row.metric} />;
}

function marksOf({ ours, champion, baseline }: Row) {
  return [
    { of: "this version", estimate: ours, look: "ours" as const },
    { of: "champion", estimate: champion, look: "champion" as const },
    { of: "baseline", estimate: baseline, look: "baseline" as const },
  ];
}

/** By how much the version is the better one; below zero, the worse. */
function gain({ ours, champion, higher_is_better }: Row): number | null {
  if (ours?.value == null || champion?.value == null) return null;
  return higher_is_better ? ours.value - champion.value : champion.value - ours.value;
}

function Value({ estimate }: { estimate: Estimate | null }) {
  return <Interval value={estimate?.value} low={estimate?.low} high={estimate?.high} />;
}
