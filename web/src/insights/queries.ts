import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { get } from "../kernel/api/client";
import type { Schema } from "../kernel/api/types";
import { now } from "../kernel/time";

export type Practice = Schema<"Practice">;
export type Passage = Schema<"Passage">;

const DAY = 86_400_000;

/** The last `days` days; the server's own time is asked for when the query runs, so that the answer moves on with it. */
export function practiceQuery(days: string) {
  return queryOptions({
    queryKey: ["insights", "practice", days],
    queryFn: ({ signal }) => {
      const since = new Date(now() - Number(days) * DAY).toISOString();
      return get("/insights/practice", { query: { since } }, signal);
    },
    placeholderData: keepPreviousData,
  });
}
