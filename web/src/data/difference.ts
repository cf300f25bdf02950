import type { Schema } from "../kernel/api/types";
import { full } from "../kernel/number";

/** What lies between two versions, in one sentence. */
export function changed({ a, b, added, removed, changed, schema }: Schema<"ostinato.data.types.Difference">): string {
  const rows = [
    added && `${count(added)} added`,
    removed && `${count(removed)} removed`,
    changed && `${count(changed)} changed`,
  ].filter(Boolean);
  const columns = schema.length
    ? `${schema.length} ${schema.length === 1 ? "column is" : "columns are"} not as before`
    : "the columns are the same";
  const between = `between version ${a} and ${b}`;
  if (rows.length === 0) return `No row was added, removed or changed ${between}; ${columns}.`;
  return `${rows.join(", ")} ${between}; ${columns}.`;
}

function count(rows: number): string {
  return `${full(rows)} ${rows === 1 ? "row" : "rows"}`;
}

type Bin = Schema<"PairBin">;

export interface PairBins {
  shown: Bin[];
  /** The values that are too many to be shown, together. */
  others: Bin | undefined;
}

const OTHERS = /^\d+ others$/;

/** Takes the many rare values out of a picture that they would fill. */
export function split(bins: readonly Bin[]): PairBins {
  const last = bins.at(-1);
  const others = last && last.low === null && OTHERS.test(last.label) && bins.length > 1 ? last : undefined;
  return { shown: others ? bins.slice(0, -1) : [...bins], others };
}
