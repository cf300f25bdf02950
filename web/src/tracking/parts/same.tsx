import { Facts } from "../../ui/facts";
import type { Comparison } from "../queries";
import { Given } from "./value";

/** What is the same in all runs, folded: it made no difference. */
export function Same({ same }: Pick<Comparison, "same">) {
  const known = Object.entries(same).filter(([, value]) => value !== null && value !== "");
  if (known.length === 0) return null;
  return (
    <details className="compare-same">
      <summary>The same in all: {known.map(([what]) => what.replace(/^params\./, "")).join(", ")}</summary>
      <Facts
        items={known.map(([what, value]) => [what.replace(/^params\./, ""), <Given key={what} value={value} />])}
      />
    </details>
  );
}
