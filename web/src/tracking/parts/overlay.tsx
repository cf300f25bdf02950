import { useMemo } from "react";
import { Section } from "../../ui/card";
import { LineChart } from "../../ui/line-chart/line-chart";
import type { FetchedLine } from "../../ui/line-chart/lines";
import { Segments } from "../../ui/tabs";
import type { Comparison, Run } from "../queries";
import { outline } from "../queries";
import { isSystem } from "./cells";
import { type Axis, runLine } from "./curve";
import { MULTIPLES, Multiples } from "./multiples";
import { FEW } from "./results";
import { smooth } from "./smooth";

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
  /** What remains of the past, 0 to 0.99. */
  smoothing: number;
  onSmoothing: (smoothing: number) => void;
  /** Which metric is drawn run by run, where the runs are too many for one plot; "" for the first. */
  curve: string;
  onCurve: (metric: string) => void;
}

/** The curves of several runs: a plot for each metric, or, of more runs than colours, a plot for each run. */
export function Overlay(props: OverlayProps) {
  const { comparison, drawn, nameOf, over, onOver, smoothing, onSmoothing, curve, onCurve } = props;
  const keys = comparison.metrics.filter(
    ({ key, values }) => !isSystem(key) && values.some((value) => (value?.n ?? 0) > FEW),
  );
  const chosen = keys.find(({ key }) => key === curve) ?? keys[0];
  const many = comparison.runs.length > LINES;
  const having = useMemo(
    () => comparison.runs.filter((_, i) => (chosen?.values[i]?.n ?? 0) > 1).slice(0, MULTIPLES),
    [comparison, chosen],
  );
  if (!chosen) return null;
  return (
    <Section
      title="Curves"
      note={!many && (keys.length > CHARTS ? `${CHARTS} of ${keys.length}` : keys.length)}
      aside={
        <>
          {many && (
            <select aria-label="Metric" value={chosen.key} onChange={({ target }) => onCurve(target.value)}>
              {keys.map(({ key }) => (
                <option key={key}>{key}</option>
              ))}
            </select>
          )}
          <label className="compare-smooth">
            Smooth
            <input
              type="range"
              min={0}
              max={0.99}
              step={0.01}
              value={smoothing}
              aria-valuetext={smoothing ? `${smoothing} of the past` : "not at all"}
              onChange={(event) => onSmoothing(Number(event.target.value))}
            />
            <output>{smoothing.toFixed(2)}</output>
          </label>
          <Segments label="Over" items={OVER} value={over} onChange={onOver} />
        </>
      }
    >
      {many ? (
        <Multiples runs={having} metric={chosen.key} {...{ nameOf, over, smoothing }} />
      ) : (
        <div className="run-curves">
          {keys.slice(0, CHARTS).map(({ key, values }) => (
            <MetricChart key={key} metric={key} has={values} {...{ comparison, drawn, nameOf, over, smoothing }} />
          ))}
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

interface ChartProps extends Pick<OverlayProps, "comparison" | "drawn" | "nameOf" | "over" | "smoothing"> {
  metric: string;
  /** What each of the compared runs has of it. */
  has: Comparison["metrics"][number]["values"];
}

function MetricChart({ metric, has, comparison, drawn, nameOf, over, smoothing }: ChartProps) {
  const lines = useMemo(() => {
    const runs = drawn.filter((run) => has[comparison.runs.indexOf(run)] != null);
    return runs.map((run): FetchedLine => {
      const { fetchRange } = over === "since" ? sinceLine(run.id, metric) : runLine(metric, run.id, metric, over);
      return {
        name: nameOf(run),
        colour: colourAt(drawn.indexOf(run)),
        edges: smoothing > 0,
        fetchRange: async (...span) => {
          const found = await fetchRange(...span);
          return smoothing ? { ...found, mean: smooth(found.mean, smoothing) } : found;
        },
      };
    });
  }, [comparison, drawn, has, metric, nameOf, over, smoothing]);
  return (
    <LineChart
      title={metric}
      lines={lines}
      time={over === "time"}
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
