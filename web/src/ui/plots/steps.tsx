import { Frame } from "./frame";
import "./plots.css";

interface StepsProps {
  label: string;
  points: readonly { x: number; y: number }[];
  xLabel?: string;
  yLabel?: string;
  /** What guessing would give: drawn under the line. */
  diagonal?: boolean;
  /** A place on the line: the threshold in use. */
  mark?: { x: number; y: number; text: string };
  span?: { x: readonly [number, number]; y: readonly [number, number] };
  height?: number;
}

const UNIT = { x: [0, 1], y: [0, 1] } as const;

/** A line in steps: ROC and precision-recall curves, weights, counts. */
export function Steps({
  label,
  points,
  xLabel,
  yLabel,
  diagonal = false,
  mark,
  span = UNIT,
  height = 280,
}: StepsProps) {
  const [x, y] = [span.x, span.y].map(([from, to], i) => ({ from, to, label: i === 0 ? xLabel : yLabel }));
  if (!x || !y) return null;
  return (
    <Frame label={label} height={height} x={x} y={y}>
      {(xs, ys) => (
        <>
          {diagonal && <line className="plot-diagonal" x1={xs(x.from)} y1={ys(y.from)} x2={xs(x.to)} y2={ys(y.to)} />}
          <path
            className="plot-line"
            d={points.map((p, i) => (i ? `H${xs(p.x)}V${ys(p.y)}` : `M${xs(p.x)} ${ys(p.y)}`)).join("")}
          />
          {mark && (
            <g className="plot-dot">
              <circle cx={xs(mark.x)} cy={ys(mark.y)} r={5} />
              <text className="plot-label" x={xs(mark.x) + 8} y={ys(mark.y) + 16}>
                {mark.text}
              </text>
            </g>
          )}
        </>
      )}
    </Frame>
  );
}
