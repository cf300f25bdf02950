import type { Schema } from "../../kernel/api/types";
import { percent } from "../../kernel/number";
import { useWidth } from "../../ui/size";
import { cellText } from "../checks";
import { type PairBins, split } from "../difference";
import "./pair.css";

type Shift = Schema<"ColumnShift">;
type Bin = Schema<"PairBin">;

interface PairProps {
  column: Shift;
  before: string;
  after: string;
}

const HEIGHT = 72;
const HEAD = 16;
const FOOT = 18;
const WORD = 44;

/** The distribution of a column before (outline) and after (bars), as shares of the values that are not null. */
export function Pair({ column, before, after }: PairProps) {
  const [ref, width] = useWidth();
  const bins = split(column.bins);
  const top = Math.max(...bins.shown.map((bin) => Math.max(bin.before, bin.after)), 1e-9);
  const slot = width / Math.max(1, bins.shown.length);
  const y = (share: number) => HEIGHT - (share / top) * (HEIGHT - HEAD);
  const told = (bin: Bin) => `${named(bin)}\n${before}: ${percent(bin.before)}\n${after}: ${percent(bin.after)}`;
  return (
    <div ref={ref} className="pair">
      {width > 0 && (
        <svg width={width} height={HEIGHT + FOOT} role="img" aria-label={`${column.name}: ${before}, ${after}`}>
          <text className="pair-word" x={0} y={10}>
            {percent(top, top < 0.1 ? 1 : 0)}
          </text>
          {bins.shown.map((bin, i) => (
            <g key={bin.label}>
              <rect
                className="pair-after"
                x={i * slot + 1}
                width={Math.max(1, slot - 2)}
                y={y(bin.after)}
                height={HEIGHT - y(bin.after)}
              />
              <path className="pair-before" d={`M${i * slot} ${HEIGHT}V${y(bin.before)}h${slot}V${HEIGHT}`} />
              <rect className="pair-place" x={i * slot} width={slot} height={HEIGHT}>
                <title>{told(bin)}</title>
              </rect>
            </g>
          ))}
          <line className="pair-axis" x1={0} x2={width} y1={HEIGHT + 0.5} y2={HEIGHT + 0.5} />
          <Words column={column} bins={bins} width={width} />
        </svg>
      )}
    </div>
  );
}

function named({ label, low, high }: Bin): string {
  return low === null || high === null ? cellText(label) : `${cellText(low)} to ${cellText(high)}`;
}

/** Under the axis: its ends where values are ordered; else each value, or where there are many the first and what is left out. */
function Words({ column, bins: { shown, others }, width }: { column: Shift; bins: PairBins; width: number }) {
  const [first, last] = [shown[0], shown.at(-1)];
  if (!first || !last) return null;
  const y = HEIGHT + 14;
  if (column.measure === "total_variation" && shown.length * WORD <= width)
    return shown.map((bin, i) => (
      <text key={bin.label} className="pair-word" x={((i + 0.5) * width) / shown.length} y={y} textAnchor="middle">
        {cellText(bin.label)}
      </text>
    ));
  const end = others
    ? `${others.label}: ${percent(others.before, 0)} → ${percent(others.after, 0)}`
    : cellText(last.high ?? last.label);
  return (
    <>
      <text className="pair-word" x={0} y={y}>
        {cellText(first.low ?? first.label)}
      </text>
      <text className="pair-word" x={width} y={y} textAnchor="end">
        {end}
      </text>
    </>
  );
}
