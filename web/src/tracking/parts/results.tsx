import { useMemo, useState } from "react";
import type { Schema } from "../../kernel/api/types";
import { Button } from "../../ui/button";
import { Section } from "../../ui/card";
import { Empty } from "../../ui/empty";
import type { Range } from "../../ui/line-chart/lines";
import { Num } from "../../ui/num";
import { Table } from "../../ui/table";
import { Segments } from "../../ui/tabs";
import type { Metric, Run } from "../queries";
import { ends, leading, toNumber } from "./cells";
import { type Axis, Curve } from "./curve";
import { type CurveLook, CurveTools, matching, naturally, weightOf } from "./curve-tools";
import { Given, Measured } from "./value";

const DRAWN = 12;
/** Two points are no curve: a line between them would say more than was measured. */
export const FEW = 2;

interface CurvesProps {
  title?: string;
  run: string;
  metrics: Readonly<Record<string, Metric>>;
  axis: Axis;
  onAxis: (axis: Axis) => void;
  zoom: Range | undefined;
  onZoom: (zoom: Range | undefined) => void;
  look: CurveLook;
  /** Without it the look is not to be changed here. */
  onLook?: (look: Partial<CurveLook>) => void;
}

/** Each metric of more than a few points in a plot of its own, all over the same x. */
export function Curves({ title = "Curves", run, metrics, axis, onAxis, zoom, onZoom, look, onLook }: CurvesProps) {
  const [all, setAll] = useState(false);
  const curved = useMemo(
    () =>
      Object.keys(metrics)
        .filter((key) => (metrics[key]?.n ?? 0) > FEW)
        .sort(naturally),
    [metrics],
  );
  if (curved.length === 0) return null;
  const keys = matching(curved, look.find, (key) => key);
  const shown = all ? keys : keys.slice(0, DRAWN);
  return (
    <Section
      title={title}
      note={keys.length < curved.length ? `${keys.length} of ${curved.length}` : curved.length}
      aside={
        <>
          {onLook && <CurveTools look={look} onLook={onLook} of={curved.length} />}
          {zoom && (
            <Button small kind="quiet" onClick={() => onZoom(undefined)}>
              Whole span
            </Button>
          )}
          <Segments label="Over" items={AXES} value={axis} onChange={onAxis} />
        </>
      }
    >
      {keys.length === 0 && <p className="muted">No metric is called like that.</p>}
      <div className="run-curves">
        {shown.map((key) => (
          <Curve
            key={key}
            {...{ run, axis }}
            metric={key}
            n={metrics[key]?.n ?? 0}
            smoothing={weightOf(look)}
            log={look.scale === "log"}
            range={zoom}
            onRange={onZoom}
          />
        ))}
      </div>
      {keys.length > shown.length && (
        <div>
          <Button onClick={() => setAll(true)}>Show all {keys.length}</Button>
        </div>
      )}
    </Section>
  );
}

const AXES = [
  { value: "step", text: "Steps" },
  { value: "time", text: "Time" },
] as const;

interface MeasuredRow {
  key: string;
  metric: Metric;
  low: number | undefined;
  high: number | undefined;
}

/** What was measured: its last value, and between which it lay. */
export function Metrics({ metrics }: { metrics: Readonly<Record<string, Metric>> }) {
  const rows = leading(Object.keys(metrics).sort(naturally)).flatMap((key): MeasuredRow[] => {
    const metric = metrics[key];
    const [low, high] = ends(key).map((end) => toNumber(metrics[end]?.last));
    return metric ? [{ key, metric, low, high }] : [];
  });
  const curved = rows.some(({ metric }) => metric.n > 1);
  const spread: Column[] = [
    { head: "Min", align: "end", cell: ({ metric }) => <Extreme value={metric.min} n={metric.n} /> },
    { head: "Max", align: "end", cell: ({ metric }) => <Extreme value={metric.max} n={metric.n} /> },
    { head: "Points", align: "end", cell: ({ metric }) => <Num value={metric.n} /> },
  ];
  return (
    <Section title="Metrics" note={rows.length}>
      {rows.length === 0 ? (
        <Empty title="Nothing was measured" command="run.log(auc=0.7)" />
      ) : (
        <Table
          label="Last values and extremes"
          columns={[...LAST, ...(curved ? spread : [])]}
          rows={rows}
          rowKey={({ key }) => key}
        />
      )}
    </Section>
  );
}

type Column = Parameters<typeof Table<MeasuredRow>>[0]["columns"][number];
const LAST: readonly Column[] = [
  { head: "Metric", grow: true, cell: ({ key }) => key },
  {
    head: "Last",
    align: "end",
    cell: ({ metric, low, high }) => <Measured value={metric.last} low={low} high={high} />,
  },
];

function Extreme({ value, n }: { value: Schema<"Metric">["min"]; n: number }) {
  return n > 1 ? <Num value={toNumber(value ?? undefined)} digits={4} /> : <span className="muted">–</span>;
}

/** What it was started with, and what people have called it since. */
export function Parameters({ run: { params, tags } }: { run: Run }) {
  const rows = [
    ...Object.entries(params).map(([key, value]) => ({ key, value, tag: false })),
    ...Object.entries(tags).map(([key, value]) => ({ key, value, tag: true })),
  ];
  return (
    <Section title="Parameters" note={Object.keys(params).length}>
      <Table
        label="Parameters and tags"
        columns={[
          {
            head: "Name",
            cell: ({ key, tag }) => (
              <>
                {key} {tag && <span className="muted">tag</span>}
              </>
            ),
          },
          { head: "Value", grow: true, align: "end", cell: ({ value }) => <Given value={value} /> },
        ]}
        rows={rows}
        rowKey={({ key, tag }) => `${tag}${key}`}
        empty="It was given none."
      />
    </Section>
  );
}
