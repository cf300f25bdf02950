import type { Schema } from "../../kernel/api/types";
import { percent, significant } from "../../kernel/number";
import { Pair } from "./pair";

type Shift = Schema<"ColumnShift">;

const MEASURES = {
  ks: "Kolmogorov–Smirnov: the largest gap between the distribution functions",
  total_variation: "Total variation: half the sum of the differences of the shares",
};

/** Columns by how far their values have moved, each with its distribution before and after. */
export function Shifts({ columns, before, after }: { columns: readonly Shift[]; before: string; after: string }) {
  return (
    <>
      <p className="shift-key">
        <span>{before}</span>
        <span>{after}</span>
      </p>
      <ol className="shifts">
        {columns.map((column) => (
          <li key={column.name} className="shift">
            <div className="shift-head">
              <h3>{column.name}</h3>
              <span className="muted">{column.type}</span>
              <span className="shift-size" title={MEASURES[column.measure]}>
                <span className="shift-bar" aria-hidden>
                  <span style={{ width: `${column.shift * 100}%` }} />
                </span>
                <data value={column.shift}>{significant(column.shift, 2)}</data>
              </span>
            </div>
            <Pair column={column} before={before} after={after} />
            <Nulls column={column} />
          </li>
        ))}
      </ol>
    </>
  );
}

function Nulls({ column: { nulls_before, nulls_after } }: { column: Shift }) {
  if (nulls_before === 0 && nulls_after === 0) return null;
  return (
    <p className="shift-nulls">
      {percent(nulls_before)} null before, {percent(nulls_after)} after
    </p>
  );
}

/** Instants move with the time that passes; they are told apart from what need not. */
export function byNature(columns: readonly Shift[]): { values: Shift[]; instants: Shift[] } {
  const isInstant = ({ type }: Shift) => type === "timestamp" || type === "date";
  return { values: columns.filter((column) => !isInstant(column)), instants: columns.filter(isInstant) };
}
