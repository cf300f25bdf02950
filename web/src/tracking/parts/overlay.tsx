import { useMemo } from "react";
import { Section } from "../../ui/card";
import { LineChart } from "../../ui/line-chart/line-chart";
import type { FetchedLine } from "../../ui/line-chart/lines";
import { Segments } from "../../ui/tabs";
import type { Comparison, Run } from "../queries";
import { outline } from "../queries";
import { type Axis, runLine } from "./curve";
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
}

/** The curves of several runs, a plot for each metric. */
export function Overlay({ comparison, drawn, nameOf, over, onOver, smoothing, onSmoothing }: OverlayProps) {
  const keys = comparison.metrics.filter(({ values }) => values.some((value) => (value?.n ?? 0) > FEW));
  if (keys.length === 0) return null;
  return (
    <Section
      title="Curves"
      note={keys.length > CHARTS ? `${CHARTS} of ${keys.length}` : keys.length}
      aside={
        <>
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
      <div className="run-curves">
        {keys.slice(0, CHARTS).map(({ key, values }) => (
          <MetricChart key={key} metric={key} has={values} {...{ comparison, drawn, nameOf, over, smoothing }} />
        ))}
      </div>
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
