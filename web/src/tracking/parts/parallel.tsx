import { short } from "../../kernel/number";
import { extent, linear } from "../../ui/plots/scale";
import { useWidth } from "../../ui/size";
import type { Comparison, Run } from "../queries";
import { places, valuesOf } from "./arrange";

interface ParallelProps {
  comparison: Comparison;
  /** `params.depth`, …, `metrics.auc`, from left to right. */
  axes: readonly string[];
  nameOf: (run: Run) => string;
  colour: (run: Run) => number | undefined;
}

const HEIGHT = 320;
const TOP = 44;
const BOTTOM = HEIGHT - 24;
const SIDE = 8;

/** Parallel coordinates: each run a line through what it was given and what came of it; where lines bundle, a parameter decides. */
export function Parallel({ comparison, axes, nameOf, colour }: ParallelProps) {
  const [ref, width] = useWidth();
  const drawn = axes.map((what, i) => {
    const values = valuesOf(comparison, what);
    const along = places(values);
    const [low, high] = along.words ? [0, along.words.length - 1] : extent(values.map(along.at), 0);
    const y = linear(along.words?.length === 1 ? [-1, 1] : [low, high], [BOTTOM, TOP]);
    const ends = along.words
      ? along.words.map((word, place) => ({ text: word, at: y(place) }))
      : [low, high].map((end) => ({ text: short(end), at: y(end) }));
    const x = SIDE + (i * (width - 2 * SIDE)) / Math.max(1, axes.length - 1);
    return { what, x, ends, place: (run: number) => along.at(values[run]), y };
  });
  return (
    <div ref={ref} className="compare-parallel" style={{ height: HEIGHT }}>
      {width > 0 && (
        <svg width={width} height={HEIGHT} role="img" aria-label={`Each run across ${axes.map(bare).join(", ")}`}>
          {comparison.runs.map((run, i) => {
            const points = drawn.flatMap(({ x, y, place }) => {
              const at = place(i);
              return at === undefined ? [] : [`${x},${y(at)}`];
            });
            return (
              <polyline key={run.id} className="compare-run" data-series={colour(run)} points={points.join(" ")}>
                <title>{nameOf(run)}</title>
              </polyline>
            );
          })}
          {drawn.map(({ what, x, ends }, i) => (
            <g key={what}>
              <line className="plot-axis" x1={x} x2={x} y1={TOP} y2={BOTTOM} />
              <text className="compare-axis" x={x} y={14} textAnchor={anchor(i, drawn.length)}>
                {bare(what)}
              </text>
              {ends.map(({ text, at }) => (
                <text key={text} className="plot-tick compare-end" {...beside(at, x, anchor(i, drawn.length))}>
                  {text}
                </text>
              ))}
            </g>
          ))}
        </svg>
      )}
    </div>
  );
}

/** Above the upper end, below the lower one, and in between to the right. */
function beside(at: number, x: number, textAnchor: "start" | "middle" | "end") {
  if (at <= TOP) return { x, y: at - 8, textAnchor };
  return at >= BOTTOM ? { x, y: at + 16, textAnchor } : { x: x + 6, y: at, dy: "0.32em" };
}

function anchor(i: number, n: number): "start" | "middle" | "end" {
  return i === 0 ? "start" : i === n - 1 ? "end" : "middle";
}

function bare(what: string): string {
  return what.replace(/^\w+\./, "");
}
