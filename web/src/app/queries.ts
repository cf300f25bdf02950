import { queryOptions } from "@tanstack/react-query";
import { get } from "../kernel/api/client";

export const projectsQuery = queryOptions({
  queryKey: ["access", "projects"],
  queryFn: ({ signal }) => get("/access/projects", {}, signal),
});

export function experimentQuery(id: string) {
  return queryOptions({
    queryKey: ["app", "experiment", id],
    queryFn: ({ signal }) => get("/experiments/{experiment}", { path: { experiment: id } }, signal),
  });
}

export const waysQuery = queryOptions({
  queryKey: ["access", "ways"],
  queryFn: ({ signal }) => get("/sign-in", {}, signal),
});

export function deviceQuery(code: string) {
  return queryOptions({
    queryKey: ["access", "device", code],
    queryFn: ({ signal }) => get("/device/{user_code}", { path: { user_code: code } }, signal),
    enabled: code !== "",
    staleTime: 0,
  });
}

export const inboxQuery = queryOptions({
  queryKey: ["app", "inbox"],
  queryFn: ({ signal }) => get("/insights/inbox", {}, signal),
});

export function searchQuery(text: string) {
  return queryOptions({
    queryKey: ["app", "search", text],
    queryFn: ({ signal }) => get("/search", { query: { q: text, limit: 20 } }, signal),
    enabled: text !== "",
  });
}
