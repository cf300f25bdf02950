import type { Schema } from "../../kernel/api/types";
import { interval, short } from "../../kernel/number";
import { Stats } from "../../ui/facts";
import { Num } from "../../ui/num";

type Cost = Schema<"ostinato.evaluation.types.Cost">;

/** What deciding by the scores costs, against the cheaper of the two ways without them. */
export function Money({ cost }: { cost: Cost }) {
  const { saved_per_row: saved, matrix } = cost;
  const range = saved.low != null && saved.high != null ? interval(saved.low, saved.high) : undefined;
  return (
    <>
      <Stats
        items={[
          { label: "Saved per row", value: <Num value={saved.value} />, ...(range && { note: range }) },
          { label: "Cost per row", value: <Num value={cost.per_row} />, note: "with the model" },
          {
            label: "Cost without the model",
            value: <Num value={cost.baseline_per_row} />,
            note: `acting ${cost.baseline}`,
          },
          { label: "Saved in total", value: <Num value={cost.saved_total} /> },
        ]}
      />
      <p className="muted">
        Cost of a true positive {short(matrix.tp ?? 0)}, of a false positive {short(matrix.fp ?? 0)}, of a false
        negative {short(matrix.fn ?? 0)}, of a true negative {short(matrix.tn ?? 0)}.
      </p>
    </>
  );
}
