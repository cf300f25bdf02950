import type { ReactNode } from "react";
import { interval, short } from "../../kernel/number";
import { numberTicks } from "../line-chart/ticks";
import { useWidth } from "../size";
import { TableFrame } from "../table";
import { extent, linear, roundTicks } from "./scale";
import "./plots.css";

export interface Estimate {
  key: string;
  label: ReactNode;
  value: number | null;
  low?: number | null;
  high?: number | null;
  /** Rows that it rests on, or another word on how much it weighs. */
  note?: ReactNode;
  kind?: "ok" | "warn" | "bad" | "info" | "waiting";
}

interface DotIntervalProps {
  label: string;
  rows: readonly Estimate[];
  /** A value that all are read against, such as the limit or no difference. */
  reference?: { value: number; text: string };
  /** The least and the greatest of the axis, where they are not those of the rows. */
  span?: readonly [number, number];
}

/** Estimates below each other on one axis, each a dot in its interval, with its numbers beside it. */
export function DotInterval({ label, rows, reference, span }: DotIntervalProps) {
  const [ref, width] = useWidth<HTMLTableCellElement>();
  const [low, high] = span ?? extent([...rows.flatMap((row) => [row.value, row.low, row.high]), reference?.value]);
  const x = linear([low, high], [8, Math.max(9, width - 24)]);
  const { ticks, step } = roundTicks(low, high, Math.max(2, Math.floor(width / 80)));
  const words = numberTicks(ticks, step);
  return (
    <TableFrame label={label}>
      <table className="table dots" aria-label={label}>
        <thead>
          <tr>
            <th scope="col">
              <span className="sr-only">Name</span>
            </th>
            <th scope="col" ref={ref} className="dots-axis">
              <span className="sr-only">Interval</span>
              <svg width={Math.max(0, width - 16)} height={16} aria-hidden>
                {ticks.map((at, i) => (
                  <text key={at} className="plot-tick" x={x(at)} y={12} textAnchor="middle">
                    {words[i]}
                  </text>
                ))}
              </svg>
            </th>
            <th scope="col" data-align="end">
              {reference ? `against ${reference.text}` : "Value"}
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.key}>
              <th scope="row">
                {row.label} {row.note !== undefined && <span className="muted">{row.note}</span>}
              </th>
              <td className="dots-axis">
                <svg width={Math.max(0, width - 16)} height={20} aria-hidden>
                  {reference && (
                    <line className="plot-reference" x1={x(reference.value)} x2={x(reference.value)} y1={-8} y2={28} />
                  )}
                  <Mark row={row} x={x} />
                </svg>
              </td>
              <td data-align="end">
                {row.value === null ? "–" : short(row.value)}
                {row.low != null && row.high != null && (
                  <span className="num-interval"> {interval(row.low, row.high)}</span>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableFrame>
  );
}

function Mark({ row: { value, low, high, kind }, x }: { row: Estimate; x: (value: number) => number }) {
  if (value === null) return null;
  return (
    <g className="plot-dot" data-kind={kind}>
      {low != null && high != null && <line x1={x(low)} x2={x(high)} y1={10} y2={10} />}
      <circle cx={x(value)} cy={10} r={4} />
    </g>
  );
}
