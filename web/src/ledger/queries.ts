import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { get } from "../kernel/api/client";
import type { Schema } from "../kernel/api/types";

export type Event = Schema<"Event">;

/** What a search of the ledger asks for; what is undefined is not asked. */
export interface Search {
  touching?: string | undefined;
  actor?: string | undefined;
  verb?: string | undefined;
  since?: string | undefined;
  until?: string | undefined;
}

const PAGE = 60;
const NEWS_MAX = 500;

/**
 * Events from a position backwards. What is written stays as it is, so these pages are not asked again when something happens (their key
 * is none of a slice's); what is new comes by `newsQuery`.
 */
export function pastQuery(search: Search, before?: number) {
  return infiniteQueryOptions({
    queryKey: ["past events", search, before],
    queryFn: ({ pageParam, signal }) =>
      get("/ledger/events", { query: { ...search, after: pageParam, limit: PAGE, newest_first: true } }, signal),
    initialPageParam: before === undefined ? undefined : String(before),
    getNextPageParam: ({ next }) => next ?? undefined,
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** The events that came after a position, oldest first. */
export function newsQuery(search: Search, after: number) {
  return queryOptions({
    queryKey: ["ledger", "news", search, after],
    queryFn: ({ signal }) =>
      get(
        "/ledger/events",
        { query: { ...search, after: after < 0 ? undefined : String(after), limit: NEWS_MAX } },
        signal,
      ),
  });
}

export function eventQuery(event: string) {
  return queryOptions({
    queryKey: ["one event", event],
    queryFn: ({ signal }) => get("/ledger/events/{event}", { path: { event } }, signal),
  });
}

export function tallyQuery(search: Search, bins: number) {
  return queryOptions({
    queryKey: ["ledger", "tally", search, bins],
    queryFn: ({ signal }) => get("/ledger/tally", { query: { ...search, bins } }, signal),
  });
}

export const sealQuery = queryOptions({
  queryKey: ["ledger", "seal"],
  queryFn: ({ signal }) => get("/ledger/seal", {}, signal),
});

export const keyQuery = queryOptions({
  queryKey: ["ledger key"],
  queryFn: ({ signal }) => get("/ledger/key", {}, signal),
});

export function proofQuery(event: string) {
  return queryOptions({
    queryKey: ["proof", event],
    queryFn: ({ signal }) => get("/ledger/proofs/{event}", { path: { event } }, signal),
  });
}

export function commentsQuery(ref: string) {
  return queryOptions({
    queryKey: ["ledger", "comments", ref],
    queryFn: ({ signal }) => get("/ledger/comments/{ref}", { path: { ref }, query: { limit: 200 } }, signal),
  });
}

export const mentionsQuery = queryOptions({
  queryKey: ["ledger", "mentions"],
  queryFn: ({ signal }) => get("/ledger/mentions", { query: { limit: 100 } }, signal),
});

export type Direction = "up" | "down";

export function lineageQuery(ref: string, direction: Direction, depth: number, at: string | undefined) {
  return queryOptions({
    queryKey: ["ledger", "lineage", ref, direction, depth, at],
    queryFn: ({ signal }) => get("/ledger/lineage/{ref}", { path: { ref }, query: { direction, depth, at } }, signal),
  });
}

export const endpointsQuery = queryOptions({
  queryKey: ["serving", "endpoints"],
  queryFn: ({ signal }) => get("/endpoints", {}, signal),
});

export const modelsQuery = queryOptions({
  queryKey: ["registry", "models"],
  queryFn: ({ signal }) => get("/models", {}, signal),
});

export function productionQuery(endpoint: string, at: string | undefined) {
  return queryOptions({
    queryKey: ["serving", "production", endpoint, at],
    queryFn: ({ signal }) => get("/endpoints/{endpoint}/production", { path: { endpoint }, query: { at } }, signal),
  });
}

export function storyQuery(model: string) {
  return queryOptions({
    queryKey: ["registry", "moves", model],
    queryFn: ({ signal }) => get("/models/{model}/story", { path: { model }, query: { limit: 1 } }, signal),
  });
}

export function championQuery(model: string, at: string | undefined) {
  return queryOptions({
    queryKey: ["registry", "champion", model, at],
    queryFn: ({ signal }) => get("/models/{model}/alias", { path: { model }, query: { at } }, signal),
  });
}

export const subscriptionsQuery = queryOptions({
  queryKey: ["ledger", "subscriptions"],
  queryFn: ({ signal }) => get("/ledger/subscriptions", {}, signal),
  refetchInterval: 5000, // what is delivered makes no event
});

/** The kinds of places that events go to, each with the schema of its parameters. */
export const sinksQuery = queryOptions({
  queryKey: ["families", "sinks"],
  queryFn: async ({ signal }) =>
    (await get("/families", {}, signal)).find(({ name }) => name === "ledger.sinks")?.members ?? [],
  staleTime: Number.POSITIVE_INFINITY,
});

export function parkedQuery(name: string) {
  return queryOptions({
    queryKey: ["ledger", "parked", name],
    queryFn: ({ signal }) => get("/ledger/subscriptions/{name}/parked", { path: { name } }, signal),
  });
}
