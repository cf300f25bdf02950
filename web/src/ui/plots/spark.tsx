import { extent, linear } from "./scale";
import "./plots.css";

interface SparkProps {
  /** What it shows, in words: "errors, last 24 h". */
  label: string;
  values: readonly (number | null)[];
  width?: number;
  height?: number;
  kind?: "ok" | "warn" | "bad" | "info";
  fromZero?: boolean;
}

/** A line the size of a word; its last point is marked, gaps stay gaps. */
export function Spark({ label, values, width = 96, height = 24, kind, fromZero = false }: SparkProps) {
  const [low, high] = extent(fromZero ? [0, ...values] : values);
  const x = linear([0, Math.max(1, values.length - 1)], [2, width - 4]);
  const y = linear([low, high], [height - 3, 3]);
  const last = values.findLastIndex((value) => value !== null);
  const end = values[last];
  return (
    <svg className="spark" width={width} height={height} role="img" aria-label={label} data-kind={kind}>
      <path d={path(values.map((value, i) => [x(i), value === null ? null : y(value)]))} />
      {end != null && <circle cx={x(last)} cy={y(end)} r={2} />}
    </svg>
  );
}

/** A line through points, broken where one has no height. */
export function path(points: readonly (readonly [x: number, y: number | null])[]): string {
  let pen = "M";
  return points
    .map(([x, y]) => {
      const part = y === null ? "" : `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
      pen = y === null ? "M" : "L";
      return part;
    })
    .join("");
}
