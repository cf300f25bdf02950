import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { get, send } from "../kernel/api/client";

const PAGE = 100;
const PARTS = 60;
/** Traces make no events: there would be one for every request that an application answers. */
const AGAIN_MS = 10_000;

export function tracesQuery(where: readonly string[], sort: string) {
  return infiniteQueryOptions({
    queryKey: ["traces", "search", where, sort],
    queryFn: ({ pageParam, signal }) =>
      get("/traces", { query: { where: [...where], order_by: sort, limit: PAGE, after: pageParam } }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next }) => next ?? undefined,
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => (state.data && state.data.pages.length > 1 ? false : AGAIN_MS),
  });
}

export function momentsQuery(where: readonly string[], since: string, until: string) {
  return queryOptions({
    queryKey: ["traces", "moments", where, since, until],
    queryFn: ({ signal }) =>
      get("/trace-moments", { query: { where: [...where], since, until, parts: PARTS } }, signal),
    placeholderData: keepPreviousData,
  });
}

export function traceQuery(trace: string) {
  return queryOptions({
    queryKey: ["traces", "trace", trace],
    queryFn: ({ signal }) => get("/traces/{trace}", { path: { trace } }, signal),
    refetchInterval: ({ state }) => (state.data?.state === "in_progress" ? AGAIN_MS : false),
  });
}

export function spansQuery(trace: string) {
  return queryOptions({
    queryKey: ["traces", "spans", trace],
    queryFn: ({ signal }) => get("/traces/{trace}/spans", { path: { trace } }, signal),
  });
}

export const issuesQuery = queryOptions({
  queryKey: ["traces", "issues"],
  queryFn: ({ signal }) => get("/issues", {}, signal),
});

export function questionsQuery(experiment: string) {
  return queryOptions({
    queryKey: ["traces", "questions", experiment],
    queryFn: ({ signal }) => get("/questions", { query: { experiment } }, signal),
  });
}

export const pricesQuery = queryOptions({
  queryKey: ["traces", "prices"],
  queryFn: ({ signal }) => get("/prices", {}, signal),
});

export const rulesQuery = queryOptions({
  queryKey: ["traces", "retention"],
  queryFn: ({ signal }) => get("/trace-retention-rules", {}, signal),
});

/** What the rules would let go now: said, not done. */
export const lapsedQuery = queryOptions({
  queryKey: [...rulesQuery.queryKey, "lapsed"],
  queryFn: () => send("post", "/applied-trace-retention", { body: { apply: false } }),
});

export const samplingQuery = queryOptions({
  queryKey: ["traces", "sampling"],
  queryFn: ({ signal }) => get("/trace-sampling", {}, signal),
});

/** Rules name experiments by their ids. */
export const experimentNamesQuery = queryOptions({
  queryKey: ["tracking", "experiment-names"],
  queryFn: ({ signal }) => get("/experiments", {}, signal),
  select: (experiments) => new Map(experiments.map(({ id, name }) => [id, name])),
});

export const evalsetsQuery = queryOptions({
  queryKey: ["traces", "evalsets"],
  queryFn: ({ signal }) => get("/evalsets", {}, signal),
});

export function evalsetQuery(evalset: string) {
  return queryOptions({
    queryKey: ["traces", "evalset", evalset],
    queryFn: ({ signal }) => get("/evalsets/{evalset}", { path: { evalset } }, signal),
  });
}

export function recordsQuery(evalset: string) {
  return infiniteQueryOptions({
    queryKey: ["traces", "records", evalset],
    queryFn: ({ pageParam, signal }) =>
      get("/evalsets/{evalset}/records", { path: { evalset }, query: { limit: PAGE, after: pageParam } }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next }) => next ?? undefined,
    select: ({ pages }) => pages.flatMap(({ items }) => items),
  });
}
