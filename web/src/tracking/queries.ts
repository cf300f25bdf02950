import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { type Answer, bytes, get } from "../kernel/api/client";
import type { Schema } from "../kernel/api/types";
import { type RawSearch, read } from "../kernel/url";
import type { Bucketed } from "../ui/line-chart/lines";
import { RUNS_FIELDS } from "./parts/fields";
import { askedOf } from "./parts/look";

export type Run = Schema<"Run">;
export type Experiment = Schema<"Experiment">;
export type RunRow = Schema<"RunRow">;
export type RunIndex = Schema<"RunIndex">;
export type Story = Schema<"Story">;
export type RunGroup = Schema<"RunGroup">;
export type Metric = Schema<"Metric">;
export type Comparison = Answer<"/run-comparison">;
export type Artifact = Schema<"Artifact">;

/** Rows in a page of the table, and between two anchors of the index. */
export const PAGE = 200;
const LIVE_MS = 1000;

/** Which runs a table holds, and in which order. */
export interface Asked {
  experiment?: string | undefined;
  parent?: string | undefined;
  where: readonly string[];
  order_by: string;
}

export const experimentsQuery = queryOptions({
  queryKey: ["tracking", "experiments"],
  queryFn: ({ signal }) => get("/experiments", {}, signal),
});

/** The looks at runs that people of the project keep. */
export const viewsQuery = queryOptions({
  queryKey: ["tracking", "views"],
  queryFn: ({ signal }) => get("/run-views", {}, signal),
});

export const deletedExperimentsQuery = queryOptions({
  queryKey: ["tracking", "deleted", "experiments"],
  queryFn: ({ signal }) => get("/experiments", { query: { view: "deleted" } }, signal),
});

/** The runs that were deleted, page by page. */
export const deletedRunsQuery = infiniteQueryOptions({
  queryKey: ["tracking", "deleted", "runs"],
  queryFn: ({ pageParam, signal }) =>
    get("/runs", { query: { view: "deleted", limit: 100, after: pageParam } }, signal),
  initialPageParam: undefined as string | undefined,
  getNextPageParam: ({ next }) => next ?? undefined,
});

export function indexQuery(asked: Asked) {
  return queryOptions({
    queryKey: ["tracking", "index", asked],
    queryFn: ({ signal }) => get("/run-index", { query: { ...asked, where: [...asked.where], step: PAGE } }, signal),
    placeholderData: keepPreviousData,
  });
}

/** The index of the table that an address names: what the page of runs waits for longest. */
export function indexAt(search: RawSearch) {
  return indexQuery(askedOf(read(RUNS_FIELDS, search)));
}

/** The page of rows that begins behind a cursor; `undefined` waits until the index tells it. */
export function rowsQuery(asked: Asked, columns: readonly string[], after: string | null | undefined, limit = PAGE) {
  return queryOptions({
    queryKey: ["tracking", "rows", asked, columns, after, limit],
    enabled: after !== undefined,
    queryFn: async ({ signal }): Promise<readonly RunRow[]> => {
      const query = { ...asked, where: [...asked.where], columns: [...columns], limit, after: after ?? undefined };
      return (await get("/run-rows", { query }, signal)).items;
    },
  });
}

/** Points make no events, so a run that goes on is asked again and again. */
export function storyQuery(run: string) {
  return queryOptions({
    queryKey: ["tracking", "story", run],
    queryFn: ({ signal }) => get("/runs/{run}/story", { path: { run } }, signal),
    refetchInterval: ({ state }) => (state.data?.run.state === "running" ? LIVE_MS : false),
  });
}

export function metricsQuery(run: string, goesOn: boolean) {
  return queryOptions({
    queryKey: ["tracking", "metrics", run],
    queryFn: ({ signal }) => get("/runs/{run}/metrics", { path: { run } }, signal),
    refetchInterval: goesOn ? LIVE_MS : false,
  });
}

export function textQuery(run: string, path: string, goesOn = false) {
  return queryOptions({
    queryKey: ["tracking", "text", run, path],
    refetchInterval: goesOn ? LIVE_MS : false,
    queryFn: async ({ signal }) =>
      new TextDecoder().decode(await bytes("/runs/{run}/artifacts/{path}", { path: { run, path } }, signal)),
  });
}

/** The first rows of a Parquet file. */
export function previewQuery(run: string, path: string) {
  return queryOptions({
    queryKey: ["tracking", "preview", run, path],
    queryFn: ({ signal }) => get("/runs/{run}/previews/{path}", { path: { run, path } }, signal),
  });
}

export function comparisonQuery(runs: readonly string[]) {
  return queryOptions({
    queryKey: ["tracking", "comparison", runs],
    queryFn: ({ signal }) => get("/run-comparison", { query: { runs: [...runs] } }, signal),
    enabled: runs.length > 1,
    placeholderData: keepPreviousData,
  });
}

/** How much of a metric goes with each parameter. */
export function influencesQuery(metric: string, of: { experiment?: string; where?: string[] }) {
  return queryOptions({
    queryKey: ["tracking", "influences", metric, of],
    queryFn: ({ signal }) => get("/run-influences", { query: { metric, ...of } }, signal),
    placeholderData: keepPreviousData,
  });
}

/** Runs that share a value, the largest groups first. */
export function groupsQuery(by: string, metric: string | undefined, asked: Pick<Asked, "experiment" | "where">) {
  return queryOptions({
    queryKey: ["tracking", "groups", by, metric, asked],
    queryFn: ({ signal }) =>
      get(
        "/run-groups",
        { query: { by, metric, experiment: asked.experiment, where: [...asked.where], limit: 200 } },
        signal,
      ),
    placeholderData: keepPreviousData,
  });
}

/** A metric of a run in a few points: enough for a small picture. */
export function shapeQuery(run: string, key: string, x: "step" | "time") {
  return queryOptions({
    queryKey: ["tracking", "shape", run, key, x],
    queryFn: ({ signal }) => outline(run, key, { x, low: -Infinity, high: Infinity, points: 100 }, signal),
  });
}

interface Span {
  x: "step" | "time";
  /** Steps, or µs since 1970; ∓Infinity for all. */
  low: number;
  high: number;
  points: number;
}

/** One metric as a plot draws it, made on the server from sums that it keeps. */
export async function outline(run: string, key: string, span: Span, signal: AbortSignal): Promise<Bucketed> {
  const query = { x: span.x, low: whole(span.low, Math.floor), high: whole(span.high, Math.ceil), points: span.points };
  return columns(await bytes("/runs/{run}/outlines/{key}", { path: { run, key }, query }, signal));
}

function whole(value: number, round: (value: number) => number): number | undefined {
  return Number.isFinite(value) ? round(value) : undefined;
}

/** Four columns of floats, one after the other. */
export function columns(buffer: ArrayBuffer): Bucketed & { x: Float64Array } {
  const n = buffer.byteLength / 32;
  const column = (c: number) => new Float64Array(buffer, 8 * n * c, n);
  return { x: column(0), lo: column(1), hi: column(2), mean: column(3) };
}
