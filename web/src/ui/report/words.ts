import type { Schema } from "../../kernel/api/types";

const ACRONYMS: Readonly<Record<string, string>> = { auc: "AUC", ece: "ECE" };

/** A name in code as people say it: `false_positive_rate` → `False positive rate`, `auc` → `AUC`. */
export function said(name: string): string {
  const words = name.replaceAll("_", " ");
  return ACRONYMS[name] ?? words.charAt(0).toUpperCase() + words.slice(1);
}

export type Slice = Schema<"Slice">;
export type Direction = Pick<Schema<"MetricFigure">, "metric" | "higher_is_better">;

/** The worst first: by the end of the interval that is nearer to bad; what a slice does not determine comes last. */
export function worstFirst(slices: readonly Slice[], { metric, higher_is_better }: Direction): Slice[] {
  const bad = (slice: Slice) => {
    const { value, low, high } = slice.metrics[metric] ?? {};
    const end = (higher_is_better ? low : high) ?? value;
    return end == null ? Number.POSITIVE_INFINITY : higher_is_better ? end : -end;
  };
  return [...slices].sort((a, b) => bad(a) - bad(b) || b.rows - a.rows);
}
