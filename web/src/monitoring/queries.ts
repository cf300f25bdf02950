import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { get } from "../kernel/api/client";
import type { Schema } from "../kernel/api/types";
import type { FindingFilters } from "./filters";

export type Alert = Schema<"Alert">;
export type Distribution = Schema<"Distribution">;
export type Finding = Schema<"Finding">;
export type HeatMap = Schema<"HeatMap">;
export type Kind = HeatMap["kind"];
export type Measurement = Schema<"Measurement">;
export type MonitorState = Schema<"MonitorState">;
export type MonitorStory = Schema<"MonitorStory">;
export type PerformanceLine = Schema<"PerformanceLine">;
export type Rate = Schema<"Rate">;
export type Window = Schema<"Window">;
export type WindowMark = Schema<"WindowMark">;

const PAGE = 100;

export const statesQuery = queryOptions({
  queryKey: ["monitoring", "states"],
  queryFn: ({ signal }) => get("/monitor-states", {}, signal),
});

/** As of `at`: from the windows that were measured by then. */
export function storyQuery(monitor: string, at?: string) {
  return queryOptions({
    queryKey: ["monitoring", "story", monitor, at],
    queryFn: ({ signal }) => get("/monitors/{monitor}/story", { path: { monitor }, query: { at } }, signal),
  });
}

export function heatQuery(monitor: string, kind: Kind, at?: string) {
  return queryOptions({
    queryKey: ["monitoring", "heat", monitor, kind, at],
    queryFn: ({ signal }) => get("/monitors/{monitor}/heat", { path: { monitor }, query: { kind, at } }, signal),
  });
}

export function performanceQuery(monitor: string, at?: string) {
  return queryOptions({
    queryKey: ["monitoring", "performance", monitor, at],
    queryFn: ({ signal }) => get("/monitors/{monitor}/performance", { path: { monitor }, query: { at } }, signal),
  });
}

export function windowQuery(window: string) {
  return queryOptions({
    queryKey: ["monitoring", "window", window],
    queryFn: ({ signal }) => get("/windows/{window}", { path: { window } }, signal),
  });
}

/** A window is measured once: it is not asked for again when something happens elsewhere. */
export function distributionQuery(window: string, feature: string) {
  return queryOptions({
    queryKey: ["distribution", window, feature],
    queryFn: ({ signal }) => get("/windows/{window}/distributions/{feature}", { path: { window, feature } }, signal),
    gcTime: 30 * 60_000,
  });
}

export function reactionsQuery(window: string) {
  return queryOptions({
    queryKey: ["monitoring", "reactions", window],
    queryFn: ({ signal }) => get("/windows/{window}/reactions", { path: { window } }, signal),
  });
}

export function findingQuery(finding: string) {
  return queryOptions({
    queryKey: ["monitoring", "finding", finding],
    queryFn: ({ signal }) => get("/findings/{finding}", { path: { finding } }, signal),
  });
}

/** Who did what about it, and where the same was found before. */
export function historyQuery(finding: string) {
  return queryOptions({
    queryKey: ["monitoring", "history", finding],
    queryFn: ({ signal }) => get("/findings/{finding}/history", { path: { finding } }, signal),
  });
}

/** The tables that a monitor could be compared with. */
export function referencesQuery(monitor: string) {
  return queryOptions({
    queryKey: ["monitoring", "references", monitor],
    queryFn: ({ signal }) => get("/monitors/{monitor}/references", { path: { monitor } }, signal),
  });
}

export function findingPagesQuery(filters: FindingFilters) {
  return infiniteQueryOptions({
    queryKey: ["monitoring", "findings", filters],
    queryFn: ({ pageParam, signal }) =>
      get("/finding-page", { query: { ...filters, after: pageParam, limit: PAGE } }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next }) => next ?? undefined,
  });
}

/** The findings of one window: there are as many as it has measurements at most. */
export function findingsOfQuery(window: string) {
  return queryOptions({
    queryKey: ["monitoring", "findings of", window],
    queryFn: ({ signal }) => get("/finding-page", { query: { window, limit: 500 } }, signal),
    select: ({ items }) => items,
  });
}

export const alertsQuery = queryOptions({
  queryKey: ["monitoring", "alerts"],
  queryFn: ({ signal }) => get("/alerts", {}, signal),
});
