import { useMemo, useState } from "react";
import { Button } from "../../ui/button";
import { Section } from "../../ui/card";
import { LineChart } from "../../ui/line-chart/line-chart";
import type { FetchedLine } from "../../ui/line-chart/lines";
import { Segments } from "../../ui/tabs";
import type { Comparison, Run } from "../queries";
import { outline } from "../queries";
import { isSystem } from "./cells";
import { type Axis, runLine } from "./curve";
import { type CurveLook, CurveTools, matching, naturally, smoothed, weightOf } from "./curve-tools";
import { MULTIPLES, Multiples } from "./multiples";
import { FEW } from "./results";

export type Over = Axis | "since";
export const LINES = 6;
const CHARTS = 12;
const US = 1e6;

interface OverlayProps {
  comparison: Comparison;
  /** The runs that have a line, at most six. */
  drawn: readonly Run[];
  /** Names told apart: lines of one chart must not be called the same. */
  nameOf: (run: Run) => string;
  over: Over;
  onOver: (over: Over) => void;
  look: CurveLook;
  onLook: (look: Partial<CurveLook>) => void;
  /** Which metric is drawn run by run, where the runs are too many for one plot; "" for the first. */
  curve: string;
  onCurve: (metric: string) => void;
}

/** The curves of several runs: a plot for each metric, or, of more runs than colours, a plot for each run. */
export function Overlay(props: OverlayProps) {
  const { comparison, drawn, nameOf, over, onOver, look, onLook, curve, onCurve } = props;
  const [all, setAll] = useState(false);
  const curved = useMemo(
    () =>
      comparison.metrics
        .filter(({ key, values }) => !isSystem(key) && values.some((value) => (value?.n ?? 0) > FEW))
        .sort((a, b) => naturally(a.key, b.key)),
    [comparison],
  );
  const chosen = curved.find(({ key }) => key === curve) ?? curved[0];
  const many = comparison.runs.length > LINES;
  const having = useMemo(
    () => comparison.runs.filter((_, i) => (chosen?.values[i]?.n ?? 0) > 1).slice(0, MULTIPLES),
    [comparison, chosen],
  );
  if (!chosen) return null;
  const keys = many ? curved : matching(curved, look.find, ({ key }) => key);
  const shown = all ? keys : keys.slice(0, CHARTS);
  const smoothing = weightOf(look);
  return (
    <Section
      title="Curves"
      note={!many && (keys.length < curved.length ? `${keys.length} of ${curved.length}` : curved.length)}
      aside={
        <>
          {many && (
            <select aria-label="Metric" value={chosen.key} onChange={({ target }) => onCurve(target.value)}>
              {keys.map(({ key }) => (
                <option key={key}>{key}</option>
              ))}
            </select>
          )}
          <CurveTools look={look} onLook={onLook} of={many ? 0 : curved.length} scaled={!many} />
          <Segments label="Over" items={OVER} value={over} onChange={onOver} />
        </>
      }
    >
      {many ? (
        <Multiples runs={having} metric={chosen.key} {...{ nameOf, over, smoothing }} />
      ) : (
        <div className="run-curves">
          {shown.map(({ key, values }) => (
            <MetricChart
              key={key}
              metric={key}
              has={values}
              log={look.scale === "log"}
              {...{ comparison, drawn, nameOf, over, smoothing }}
            />
          ))}
        </div>
      )}
      {!many && keys.length === 0 && <p className="muted">No metric is called like that.</p>}
      {!many && keys.length > shown.length && (
        <div>
          <Button onClick={() => setAll(true)}>Show all {keys.length}</Button>
        </div>
      )}
    </Section>
  );
}

const OVER = [
  { value: "step", text: "Steps" },
  { value: "since", text: "Since start" },
  { value: "time", text: "Time" },
] as const;

interface ChartProps extends Pick<OverlayProps, "comparison" | "drawn" | "nameOf" | "over"> {
  metric: string;
  smoothing: number;
  log: boolean;
  /** What each of the compared runs has of it. */
  has: Comparison["metrics"][number]["values"];
}

function MetricChart({ metric, has, comparison, drawn, nameOf, over, smoothing, log }: ChartProps) {
  const lines = useMemo(() => {
    const runs = drawn.filter((run) => has[comparison.runs.indexOf(run)] != null);
    return runs.map((run): FetchedLine => {
      const { fetchRange } = over === "since" ? sinceLine(run.id, metric) : runLine(metric, run.id, metric, over);
      return smoothed({ name: nameOf(run), colour: colourAt(drawn.indexOf(run)), fetchRange }, smoothing);
    });
  }, [comparison, drawn, has, metric, nameOf, over, smoothing]);
  return (
    <LineChart
      title={metric}
      lines={lines}
      time={over === "time"}
      log={log}
      {...(over === "since" && { xLabel: "seconds" })}
      height={220}
      sync={`compare-${over}`}
    />
  );
}

/** x in seconds after the first point of the run's metric. */
function sinceLine(run: string, metric: string): Pick<FetchedLine, "fetchRange"> {
  let first: Promise<number> | undefined;
  return {
    fetchRange: async (low, high, points, signal) => {
      first ??= outline(run, metric, { x: "time", low: -Infinity, high: Infinity, points: 2 }, signal).then(
        ({ x }) => x[0] ?? 0,
      );
      const start = await first.catch((failure: unknown) => {
        first = undefined; // it was asked in vain, say because the zoom went on meanwhile
        throw failure;
      });
      const span = { x: "time", low: start + low * US, high: start + high * US, points } as const;
      const found = await outline(run, metric, span, signal);
      return { ...found, x: Array.from(found.x, (x) => (x - start) / US) };
    },
  };
}

function colourAt(index: number): 1 | 2 | 3 | 4 | 5 | 6 {
  return ((index % LINES) + 1) as 1 | 2 | 3 | 4 | 5 | 6;
}
