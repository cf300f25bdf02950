import { useMemo } from "react";
import { LineChart } from "../../ui/line-chart/line-chart";
import type { FetchedLine, Range } from "../../ui/line-chart/lines";
import { outline } from "../queries";
import { smoothed } from "./curve-tools";

export type Axis = "step" | "time";

interface CurveProps {
  run: string;
  metric: string;
  /** How many points there are: when there are more, the curve is drawn again. */
  n: number;
  axis: Axis;
  smoothing: number;
  log: boolean;
  range: Range | undefined;
  onRange: (range: Range | undefined) => void;
}

/** One metric of one run; what is fetched is as fine as the plot is wide. */
export function Curve({ run, metric, n, axis, smoothing, log, range, onRange }: CurveProps) {
  // biome-ignore lint/correctness/useExhaustiveDependencies: more points make it another line
  const lines = useMemo(
    () => [smoothed(runLine(metric, run, metric, axis), smoothing)],
    [run, metric, axis, smoothing, n],
  );
  return (
    <LineChart
      title={metric}
      lines={lines}
      time={axis === "time"}
      log={log}
      height={180}
      sync={`${run}-${axis}`}
      range={range}
      onRange={onRange}
    />
  );
}

/** The server counts time in µs, plots in ms. */
const US = 1000;

export function runLine(name: string, run: string, metric: string, axis: Axis): FetchedLine {
  const unit = axis === "time" ? US : 1;
  return {
    name,
    fetchRange: async (low, high, points, signal) => {
      const found = await outline(run, metric, { x: axis, low: low * unit, high: high * unit, points }, signal);
      return unit === 1 ? found : { ...found, x: Array.from(found.x, (x) => x / unit) };
    },
  };
}
