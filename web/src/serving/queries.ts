import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { get } from "../kernel/api/client";
import { ApiError } from "../kernel/api/errors";
import { isReplay } from "../kernel/time";
import { isUnderWay } from "./words";

/** Answers make no events: what counts them is asked again. */
const OFTEN_MS = 15_000;
const SOON_MS = 4_000;
const often = () => (isReplay() ? false : OFTEN_MS);
/** A test that is being watched. */
const soon = () => (isReplay() ? false : SOON_MS);

export function statesQuery(hours: number) {
  return queryOptions({
    queryKey: ["serving", "states", hours],
    queryFn: ({ signal }) => get("/endpoint-states", { query: { hours } }, signal),
    refetchInterval: often,
  });
}

export function endpointQuery(endpoint: string) {
  return queryOptions({
    queryKey: ["serving", "endpoint", endpoint],
    queryFn: ({ signal }) => get("/endpoints/{endpoint}", { path: { endpoint } }, signal),
  });
}

/** What answered at an instant; null where nothing did. */
export function productionQuery(endpoint: string, at?: string) {
  return queryOptions({
    queryKey: ["serving", "production", endpoint, at],
    queryFn: ({ signal }) =>
      get("/endpoints/{endpoint}/production", { path: { endpoint }, query: { at } }, signal).catch((error: unknown) => {
        if (at !== undefined && error instanceof ApiError && error.type === "NotFound") return null;
        throw error;
      }),
  });
}

export function trafficQuery(endpoint: string, since: string | undefined, until: string | undefined) {
  return queryOptions({
    queryKey: ["serving", "traffic", endpoint, since, until],
    queryFn: ({ signal }) =>
      get("/endpoints/{endpoint}/traffic", { path: { endpoint }, query: { since, until, bins: 120 } }, signal),
    refetchInterval: often,
    placeholderData: (before) => before,
  });
}

/** The newest rollouts, and older ones page by page. */
export function rolloutsQuery(endpoint: string) {
  return infiniteQueryOptions({
    queryKey: ["serving", "rollouts", endpoint],
    queryFn: ({ signal, pageParam: after }) =>
      get("/endpoints/{endpoint}/rollouts", { path: { endpoint }, query: { after } }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next }) => next ?? undefined,
    select: ({ pages }) => pages.flatMap(({ items }) => items),
  });
}

export function rolloutQuery(rollout: string) {
  return queryOptions({
    queryKey: ["serving", "rollout", rollout],
    queryFn: ({ signal }) => get("/rollouts/{rollout}", { path: { rollout } }, signal),
    refetchInterval: ({ state }) => (state.data && isUnderWay(state.data.rollout) ? soon() : false),
  });
}

/** Of a rollout's requests the newest, with what the other version would have said. */
export function answersQuery(endpoint: string, rollout: string, live: boolean) {
  return queryOptions({
    queryKey: ["serving", "answers", endpoint, rollout],
    refetchInterval: () => live && often(),
    queryFn: ({ signal }) =>
      get(
        "/endpoints/{endpoint}/predictions",
        { path: { endpoint }, query: { rollout, limit: 1000, newest_first: true } },
        signal,
      ),
  });
}

export function predictionsQuery(endpoint: string, until: string | undefined, limit: number) {
  return queryOptions({
    queryKey: ["serving", "predictions", endpoint, until, limit],
    queryFn: ({ signal }) =>
      get(
        "/endpoints/{endpoint}/predictions",
        { path: { endpoint }, query: { until, limit, newest_first: true } },
        signal,
      ),
    refetchInterval: often,
  });
}

export function keysQuery(endpoint: string) {
  return queryOptions({
    queryKey: ["serving", "keys", endpoint],
    queryFn: ({ signal }) => get("/endpoints/{endpoint}/keys", { path: { endpoint } }, signal),
  });
}

export function urlQuery(endpoint: string) {
  return queryOptions({
    queryKey: ["serving", "url", endpoint],
    queryFn: ({ signal }) => get("/endpoints/{endpoint}/url", { path: { endpoint } }, signal),
  });
}

export function formQuery(endpoint: string) {
  return queryOptions({
    queryKey: ["serving", "form", endpoint],
    queryFn: ({ signal }) => get("/endpoints/{endpoint}/form", { path: { endpoint } }, signal),
  });
}

export function versionsQuery(model: string) {
  return queryOptions({
    queryKey: ["serving", "versions", model],
    queryFn: ({ signal }) => get("/models/{model}/versions", { path: { model } }, signal),
  });
}

/** `late/US1843-EWR-20130401T0900`, the name of a Ref, is of an endpoint and a request; the latter may be quoted. */
export function splitPrediction(name: string): [endpoint: string, request: string] {
  const slash = name.indexOf("/");
  const request = name.slice(slash + 1);
  return slash < 0 ? ["", name] : [name.slice(0, slash), /%[0-9A-F]{2}/.test(request) ? unquoted(request) : request];
}

function unquoted(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function predictionQuery(endpoint: string, request_id: string) {
  return queryOptions({
    queryKey: ["serving", "prediction", endpoint, request_id],
    queryFn: ({ signal }) =>
      get("/endpoints/{endpoint}/predictions/{request_id}", { path: { endpoint, request_id } }, signal),
  });
}

export function lineageQuery(endpoint: string, request_id: string) {
  return queryOptions({
    queryKey: ["serving", "lineage", endpoint, request_id],
    queryFn: ({ signal }) =>
      get("/endpoints/{endpoint}/lineage/{request_id}", { path: { endpoint, request_id } }, signal),
  });
}

/** The newest explanation of a version as a whole: its rows are what single answers are explained against. */
export function explanationsQuery(model: string) {
  return queryOptions({
    queryKey: ["serving", "explanations", model],
    queryFn: ({ signal }) => get("/explanations", { query: { model } }, signal),
  });
}
