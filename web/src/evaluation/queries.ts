import { queryOptions } from "@tanstack/react-query";
import { get } from "../kernel/api/client";

export function figuresQuery(evaluation: string) {
  return queryOptions({
    queryKey: ["evaluation", "figures", evaluation],
    queryFn: ({ signal }) => get("/evaluations/{evaluation}/figures", { path: { evaluation } }, signal),
  });
}
