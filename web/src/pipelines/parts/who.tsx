import type { Schema } from "../../kernel/api/types";
import { RefLink } from "../../ui/ref-link";

/** What started an execution: a schedule, a trigger, or somebody. */
export function Who({ of: { cause, actor } }: { of: Pick<Schema<"Execution">, "cause" | "actor"> }) {
  return cause ? <span title={`for ${actor}`}>{cause.replace(":", " ")}</span> : <RefLink to={actor} />;
}
