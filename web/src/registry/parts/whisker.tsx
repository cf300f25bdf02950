import type { Schema } from "../../kernel/api/types";
import { interval, short } from "../../kernel/number";
import { extent, linear } from "../../ui/plots/scale";
import "../../ui/plots/plots.css";

export type Estimate = Schema<"Estimate">;
type Maybe = Estimate | null | undefined;

interface Mark {
  of: string;
  estimate: Maybe;
  look: "ours" | "champion" | "baseline";
}

interface WhiskersProps {
  marks: readonly Mark[];
  /** The axis, common to a column; without it that of these marks. */
  span?: readonly [number, number];
  /** In pixels; without it all that the cell has. */
  width?: number;
}

/** Estimates with their intervals on one line, for the cells of tables; the numbers stand beside it. */
export function Whiskers({ marks, span, width }: WhiskersProps) {
  const here = marks.filter(({ estimate }) => estimate && estimate.value !== null);
  const height = 8 + 8 * here.length;
  const x = linear(span ?? spanOf(here.map(({ estimate }) => estimate)), [2, 98]);
  return (
    <svg className="model-whiskers" width={width ?? "100%"} height={height} aria-hidden>
      {here.map(({ of, estimate, look }, i) => {
        const y = 8 + 8 * i;
        const { value, low, high } = estimate ?? {};
        return (
          <g key={of} className="plot-dot" data-look={look}>
            {low != null && high != null && <line x1={`${x(low)}%`} x2={`${x(high)}%`} y1={y} y2={y} />}
            <circle cx={`${x(value ?? 0)}%`} cy={y} r={3.5} />
            <title>{`${of}: ${written(estimate)}`}</title>
          </g>
        );
      })}
    </svg>
  );
}

/** The least span that holds all estimates with their intervals. */
export function spanOf(estimates: readonly Maybe[]): [number, number] {
  return extent(estimates.flatMap((one) => [one?.value, one?.low, one?.high]));
}

function written(estimate: Maybe): string {
  if (estimate?.value == null) return "not determined";
  const { value, low, high } = estimate;
  return `${short(value)}${low != null && high != null ? ` ${interval(low, high)}` : ""}`;
}
