import type { Schema } from "../../kernel/api/types";
import { full, percent } from "../../kernel/number";
import { Dialog } from "../../ui/dialog";
import { Facts } from "../../ui/facts";
import { Bars } from "../../ui/plots/bars";
import { Histogram } from "../../ui/plots/histogram";
import { cellText } from "../checks";

const QUANTILES = ["5 %", "25 %", "50 %", "75 %", "95 %"];

/** All that the profile says of one column, its distribution large. */
export function ColumnDialog({ column, onClose }: { column: Schema<"ColumnProfile">; onClose: () => void }) {
  const {
    name,
    type,
    rows,
    nulls,
    distinct,
    minimum,
    maximum,
    mean,
    quantiles = [],
    histogram = [],
    top = [],
  } = column;
  const filled = Math.max(1, rows - nulls);
  return (
    <Dialog title={`${name}, ${type}`} onClose={onClose} wide>
      <div className="stack">
        {histogram.length > 0 && (
          <Histogram
            label={`Histogram of ${name}`}
            bins={histogram.map((bin) => ({ from: bin.low, to: bin.high, count: bin.rows }))}
            xLabel={name}
            height={240}
          />
        )}
        {histogram.length === 0 && distinct < rows - nulls && (
          <Bars
            label={`The most frequent values of ${name}`}
            bars={top.map((one) => ({
              key: String(one.value),
              label: cellText(one.value),
              value: one.rows,
              note: percent(one.rows / filled),
            }))}
          />
        )}
        <Facts
          items={[
            ["Min", cellText(minimum)],
            ["Max", cellText(maximum)],
            ...(mean === null ? [] : [["Mean", cellText(mean)] as const]),
            ...(quantiles.length === 0
              ? []
              : [["Quantiles", quantiles.map((at, i) => `${QUANTILES[i]}: ${cellText(at)}`).join(" · ")] as const]),
            ["Distinct", full(distinct)],
            ["Nulls", `${full(nulls)} of ${full(rows)}, ${percent(nulls / Math.max(1, rows))}`],
          ]}
        />
      </div>
    </Dialog>
  );
}
