import { queryOptions } from "@tanstack/react-query";
import { get } from "../kernel/api/client";

export const datasetsQuery = queryOptions({
  queryKey: ["data", "datasets"],
  queryFn: ({ signal }) => get("/datasets", {}, signal),
});

export function datasetQuery(name: string) {
  return queryOptions({
    queryKey: ["data", "dataset", name],
    queryFn: ({ signal }) => get("/datasets/{name}", { path: { name } }, signal),
  });
}

export function versionsQuery(name: string) {
  return queryOptions({
    queryKey: ["data", "versions", name],
    queryFn: ({ signal }) => get("/datasets/{name}/versions", { path: { name } }, signal),
  });
}
