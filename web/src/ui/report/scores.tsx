import { percent, short } from "../../kernel/number";
import { Frame } from "../plots/frame";

export interface ScoreBin {
  low: number;
  high: number;
  rows: number;
}

interface ScoresProps {
  bins: readonly ScoreBin[];
  /** From here on a row counts as positive. */
  threshold: number;
  /** The end of the axis. */
  to: number;
  height?: number;
}

/** How the scores are spread: bins of unequal width, so the area of each is its share of the rows. */
export function Scores({ bins, threshold, to, height = 140 }: ScoresProps) {
  const total = bins.reduce((sum, { rows }) => sum + rows, 0) || 1;
  const density = ({ low, high, rows }: ScoreBin) => rows / total / Math.max(high - low, 1e-3);
  const top = Math.max(...bins.map(density), 0);
  const words = `Scores of ${short(total)} rows in ${bins.length} bins; the threshold is ${short(threshold)}`;
  return (
    <Frame
      label={words}
      height={height}
      x={{ from: 0, to, label: "score" }}
      y={{ from: 0, to: top * 1.15 || 1, hidden: true }}
    >
      {(x, y, _, bottom) => (
        <>
          {bins.map((bin) => (
            <rect
              key={bin.low}
              className="plot-bar"
              x={x(bin.low)}
              width={Math.max(1, x(bin.high) - x(bin.low) - 1)}
              y={y(density(bin))}
              height={Math.max(0, bottom - y(density(bin)))}
            >
              <title>{`${short(bin.low)} to ${short(bin.high)}: ${short(bin.rows)} rows, ${percent(bin.rows / total)}`}</title>
            </rect>
          ))}
          <line className="plot-reference" x1={x(threshold)} x2={x(threshold)} y1={8} y2={bottom} />
          <text className="plot-label" x={x(threshold) + 6} y={18}>
            threshold {short(threshold)}
          </text>
        </>
      )}
    </Frame>
  );
}
