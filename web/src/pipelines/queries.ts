import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { get } from "../kernel/api/client";
import type { Schema } from "../kernel/api/types";
import { type ExecutionState, isAlive } from "./states";

/** What a page of an execution shows at most; the server says how many calls there are. */
export const STEPS_MAX = 2000;
const PAGE = 50;
/** Steps begin and end without an event. */
const STEPS_MS = 1000;

export const overviewQuery = queryOptions({
  queryKey: ["pipelines", "overview"],
  queryFn: ({ signal }) => get("/pipelines/overview", {}, signal),
});

export function pipelineQuery(pipeline: string) {
  return queryOptions({
    queryKey: ["pipelines", "pipeline", pipeline],
    queryFn: ({ signal }) => get("/pipelines/{pipeline}/page", { path: { pipeline } }, signal),
  });
}

export function executionsQuery(pipeline: string | undefined, state: ExecutionState | undefined) {
  return infiniteQueryOptions({
    queryKey: ["pipelines", "executions", pipeline ?? "", state ?? ""],
    queryFn: ({ signal, pageParam }) =>
      get("/executions", { query: { pipeline, state, limit: PAGE, after: pageParam || undefined } }, signal),
    initialPageParam: "",
    getNextPageParam: ({ next }) => next,
  });
}

/** They follow from the schedule as it stands: no event makes others of them (so their key is none of the slice's). */
export function timesQuery({ name: schedule, cron, zone, next_at }: Schema<"Schedule">) {
  return queryOptions({
    queryKey: ["times", schedule, cron, zone, next_at],
    queryFn: ({ signal }) => get("/schedules/{schedule}/times", { path: { schedule }, query: { limit: 4 } }, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** What has happened here so far, the most frequent first. */
export const eventVerbsQuery = queryOptions({
  queryKey: ["ledger", "verbs"],
  queryFn: async ({ signal }) => Object.keys((await get("/ledger/tally", {}, signal)).verbs),
});

export function executionQuery(execution: string) {
  return queryOptions({
    queryKey: ["pipelines", "execution", execution],
    queryFn: ({ signal }) =>
      get("/executions/{execution}/page", { path: { execution }, query: { limit: STEPS_MAX } }, signal),
    refetchInterval: ({ state: { data } }) => (data && isAlive(data.execution.state) ? STEPS_MS : false),
  });
}

export function causesQuery(execution: string) {
  return queryOptions({
    queryKey: ["pipelines", "causes", execution],
    queryFn: ({ signal }) =>
      get("/executions/{execution}/causes", { path: { execution }, query: { limit: 3 } }, signal),
  });
}

export function whyQuery(execution: string, step: string) {
  return queryOptions({
    queryKey: ["pipelines", "why", execution, step],
    queryFn: ({ signal }) => get("/executions/{execution}/steps/{step}/why", { path: { execution, step } }, signal),
  });
}
