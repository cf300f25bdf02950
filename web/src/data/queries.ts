import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { get, send } from "../kernel/api/client";

/** A version on the wire: `flights@4`, or `flights` for the latest. */
export function versionRef(name: string, version: number | undefined): string {
  return version === undefined ? name : `${name}@${version}`;
}

export const statesQuery = queryOptions({
  queryKey: ["data", "states"],
  queryFn: ({ signal }) => get("/dataset-states", {}, signal),
});

export function storyQuery(name: string, at: string | undefined) {
  return queryOptions({
    queryKey: ["data", "story", name, at],
    queryFn: ({ signal }) => get("/datasets/{name}/story", { path: { name }, query: { at } }, signal),
  });
}

export function deliveryQuery(name: string, key: string, attempt: number | undefined) {
  return queryOptions({
    queryKey: ["data", "delivery", name, key, attempt],
    queryFn: ({ signal }) =>
      get("/datasets/{name}/deliveries/{key}", { path: { name, key }, query: { attempt } }, signal),
    placeholderData: keepPreviousData,
  });
}

export function versionQuery(ref: string) {
  return queryOptions({
    queryKey: ["data", "version", ref],
    queryFn: ({ signal }) => get("/dataset-versions/{ref}", { path: { ref } }, signal),
  });
}

export function profileQuery(ref: string) {
  return queryOptions({
    queryKey: ["data", "profile", ref],
    queryFn: ({ signal }) => get("/dataset-versions/{ref}/profile", { path: { ref } }, signal),
    placeholderData: keepPreviousData,
  });
}

export function rowsQuery(ref: string, limit: number) {
  return queryOptions({
    queryKey: ["data", "rows", ref, limit],
    queryFn: ({ signal }) => send("post", "/dataset-versions/{ref}/rows", { path: { ref }, body: { limit } }, signal),
    placeholderData: keepPreviousData,
  });
}

export function differenceQuery(name: string, a: number, b: number) {
  return queryOptions({
    queryKey: ["data", "difference", name, a, b],
    queryFn: ({ signal }) => get("/datasets/{name}/difference", { path: { name }, query: { a, b, limit: 10 } }, signal),
    staleTime: Number.POSITIVE_INFINITY, // versions do not change
  });
}

export function lineageQuery(ref: string, direction: "up" | "down") {
  return queryOptions({
    queryKey: ["ledger", "lineage", ref, direction, 1],
    queryFn: ({ signal }) =>
      get("/ledger/lineage/{ref}", { path: { ref: `dataset:${ref}` }, query: { direction, depth: 1 } }, signal),
  });
}
