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
          { label: "Saved a row", value: <Num value={saved.value} />, ...(range && { note: range }) },
          { label: "Cost a row", value: <Num value={cost.per_row} />, note: "acting by the scores" },
          { label: "Without them", value: <Num value={cost.baseline_per_row} />, note: `acting ${cost.baseline}` },
          { label: "Saved on these rows", value: <Num value={cost.saved_total} /> },
        ]}
      />
      <p className="muted">
        One row costs {short(matrix.tp ?? 0)} where it is rightly flagged, {short(matrix.fp ?? 0)} where wrongly,{" "}
        {short(matrix.fn ?? 0)} where it is missed, and {short(matrix.tn ?? 0)} where it is rightly left alone.
      </p>
    </>
  );
}
