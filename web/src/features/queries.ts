import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { get, send } from "../kernel/api/client";

export const viewsQuery = queryOptions({
  queryKey: ["features", "views"],
  queryFn: ({ signal }) => get("/feature-states", {}, signal),
});

export function viewQuery(view: string) {
  return queryOptions({
    queryKey: ["features", "view", view],
    queryFn: ({ signal }) => get("/features/{view}/state", { path: { view } }, signal),
  });
}

export type Keys = Readonly<Record<string, string | number | boolean>>;

/** The values of an entity as of an instant; a push makes no event, so they are asked again when they are looked at again. */
export function valuesQuery(view: string, keys: Keys, at: string | undefined) {
  return queryOptions({
    queryKey: ["features", "values", view, keys, at],
    queryFn: ({ signal }) => send("post", "/features/online", { body: { views: [view], keys, at } }, signal),
    staleTime: 0,
    placeholderData: keepPreviousData,
  });
}

/** The values of an entity as of each of several instants. */
export function pathQuery(view: string, keys: Keys, instants: readonly string[]) {
  const repeated = Object.fromEntries(Object.entries(keys).map(([name, value]) => [name, instants.map(() => value)]));
  return queryOptions({
    queryKey: ["features", "path", view, keys, instants],
    queryFn: ({ signal }) =>
      send("post", "/features/online/many", { body: { views: [view], keys: repeated, at: [...instants] } }, signal),
    placeholderData: keepPreviousData,
  });
}

/** Rows of the dataset, to propose entities that exist. */
export function entityRowsQuery(dataset: string) {
  return queryOptions({
    queryKey: ["data", "rows", dataset, 400],
    queryFn: ({ signal }) =>
      send("post", "/dataset-versions/{ref}/rows", { path: { ref: dataset }, body: { limit: 400 } }, signal),
  });
}

export function loadsQuery(view: string) {
  return queryOptions({
    queryKey: ["ledger", "loads", view],
    queryFn: ({ signal }) =>
      get(
        "/ledger/events",
        { query: { subject: `feature:${view}`, verb: "feature.materialized", newest_first: true, limit: 50 } },
        signal,
      ),
  });
}
