import { full, percent, short } from "../../kernel/number";
import { Frame } from "./frame";
import "./plots.css";

export interface Bin {
  from: number;
  to: number;
  count: number;
}

interface HistogramProps {
  label: string;
  bins: readonly Bin[];
  /** The same by other rows, such as the training data: drawn as an outline, both as shares of their rows. */
  against?: readonly Bin[];
  xLabel?: string;
  height?: number;
}

export function Histogram({ label, bins, against, xLabel, height = 180 }: HistogramProps) {
  const all = [...bins, ...(against ?? [])];
  const [total, other] = [sum(bins), sum(against ?? [])];
  const share = ({ count }: Bin) => (against ? count / (total || 1) : count);
  const shareOther = ({ count }: Bin) => count / (other || 1);
  const top = Math.max(...bins.map(share), ...(against ?? []).map(shareOther), 0);
  const x = { from: Math.min(...all.map((bin) => bin.from)), to: Math.max(...all.map((bin) => bin.to)), label: xLabel };
  const y = { from: 0, to: top * 1.05 || 1, ...(against && { words: (value: number) => percent(value, 0) }) };
  return (
    <Frame label={`${label}: ${full(total)} rows`} height={height} x={x} y={y}>
      {(xs, ys, _, bottom) => (
        <>
          {bins.map((bin) => (
            <rect
              key={bin.from}
              className="plot-bar"
              x={xs(bin.from) + 0.5}
              width={Math.max(1, xs(bin.to) - xs(bin.from) - 1)}
              y={ys(share(bin))}
              height={Math.max(0, bottom - ys(share(bin)))}
            >
              <title>{`${short(bin.from)} to ${short(bin.to)}: ${full(bin.count)} rows, ${percent(bin.count / (total || 1))}`}</title>
            </rect>
          ))}
          {against && (
            <path
              className="plot-outline"
              d={outline(
                against.map((bin) => [xs(bin.from), xs(bin.to), ys(shareOther(bin))]),
                bottom,
              )}
            />
          )}
        </>
      )}
    </Frame>
  );
}

interface MiniHistogramProps {
  label: string;
  counts: readonly number[];
  /** What each bar says on hover. */
  titles?: readonly string[];
}

/** A histogram the size of a word, for the columns of a table. */
export function MiniHistogram({ label, counts, titles }: MiniHistogramProps) {
  const top = Math.max(...counts, 1);
  const width = 96 / Math.max(1, counts.length);
  return (
    <svg className="mini-histogram" width={96} height={24} role="img" aria-label={label}>
      {counts.map((count, i) => {
        const height = count ? Math.max(1, (count / top) * 22) : 0;
        return (
          <g key={i}>
            <rect x={i * width} width={Math.max(0.5, width - 1)} y={23 - height} height={height} />
            {titles && (
              <rect className="mini-histogram-place" x={i * width} width={width} height={24}>
                <title>{titles[i]}</title>
              </rect>
            )}
          </g>
        );
      })}
      <line x1={0} x2={96} y1={23.5} y2={23.5} />
    </svg>
  );
}

function sum(bins: readonly Bin[]): number {
  return bins.reduce((total, { count }) => total + count, 0);
}

function outline(steps: readonly [from: number, to: number, y: number][], bottom: number): string {
  const [first, last] = [steps[0], steps.at(-1)];
  if (!first || !last) return "";
  return `M${first[0]} ${bottom}${steps.map(([from, to, y]) => `L${from} ${y}L${to} ${y}`).join("")}L${last[1]} ${bottom}`;
}
