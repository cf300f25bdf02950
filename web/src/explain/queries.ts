import { queryOptions } from "@tanstack/react-query";
import { get } from "../kernel/api/client";

export function explanationQuery(explanation: string) {
  return queryOptions({
    queryKey: ["explain", "explanation", explanation],
    queryFn: ({ signal }) => get("/explanations/{explanation}/kept", { path: { explanation } }, signal),
  });
}
