import { queryOptions } from "@tanstack/react-query";
import { get } from "../../kernel/api/client";
import type { Schema } from "../../kernel/api/types";

export type Loop = Schema<"Loop">;
export type Item = Schema<"Item">;
export type News = Schema<"News">;

export const homeQuery = queryOptions({
  queryKey: ["insights", "home"],
  queryFn: ({ signal }) => get("/insights/home", {}, signal),
});

export const newsQuery = queryOptions({
  queryKey: ["insights", "news"],
  queryFn: ({ signal }) => get("/insights/news", { query: { limit: 20 } }, signal),
});
