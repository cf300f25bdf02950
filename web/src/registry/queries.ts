import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { get } from "../kernel/api/client";

export const statesQuery = queryOptions({
  queryKey: ["registry", "states"],
  queryFn: ({ signal }) => get("/model-states", {}, signal),
});

/** A model as of an instant, with its newest versions until then. */
export function storyQuery(model: string, at?: string, limit = 50) {
  return queryOptions({
    queryKey: ["registry", "story", model, at, limit],
    queryFn: ({ signal }) => get("/models/{model}/story", { path: { model }, query: { at, limit } }, signal),
  });
}

export function policiesQuery(model: string) {
  return queryOptions({
    queryKey: ["registry", "policies", model],
    queryFn: ({ signal }) => get("/models/{model}/policies", { path: { model } }, signal),
  });
}

/** `ref` is `late@7`; with `at`, as it was then. */
export function reviewQuery(ref: string, at?: string) {
  return queryOptions({
    queryKey: ["registry", "review", ref, at],
    queryFn: ({ signal }) => get("/model-versions/{ref}/review", { path: { ref }, query: { at } }, signal),
  });
}

export function cardQuery(ref: string, at?: string) {
  return queryOptions({
    queryKey: ["registry", "card", ref, at],
    queryFn: ({ signal }) => get("/model-versions/{ref}/card", { path: { ref }, query: { at } }, signal),
  });
}

export function figuresQuery(evaluation: string) {
  return queryOptions({
    queryKey: ["registry", "figures", evaluation],
    queryFn: ({ signal }) => get("/evaluations/{evaluation}/figures", { path: { evaluation } }, signal),
  });
}

export function explanationsQuery(model: string, until?: string) {
  return queryOptions({
    queryKey: ["registry", "explanations", model, until],
    queryFn: ({ signal }) => get("/explanations", { query: { model, until } }, signal),
  });
}

/** The newest explanations of single answers. */
export function answersQuery(model: string, until?: string) {
  return queryOptions({
    queryKey: ["registry", "answers", model, until],
    queryFn: ({ signal }) => get("/explanations/local", { query: { model, limit: 10, until } }, signal),
  });
}

export function versionsQuery(where: string) {
  return infiniteQueryOptions({
    queryKey: ["registry", "search", where],
    queryFn: ({ signal, pageParam }) =>
      get("/model-version-search", { query: { where: [where], after: pageParam ?? undefined } }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next ?? undefined,
    retry: false,
  });
}

export function comparisonQuery(refs: readonly string[]) {
  return queryOptions({
    queryKey: ["registry", "comparison", refs],
    queryFn: ({ signal }) => get("/model-comparison", { query: { refs: [...refs] } }, signal),
    enabled: refs.length > 1,
  });
}

export function notesQuery(model: string) {
  return queryOptions({
    queryKey: ["registry", "notes", model],
    queryFn: ({ signal }) => get("/models/{model}/notes", { path: { model } }, signal),
  });
}

export const lifecycleQuery = queryOptions({
  queryKey: ["registry", "lifecycle"],
  queryFn: ({ signal }) => get("/model-lifecycle", {}, signal),
  staleTime: Number.POSITIVE_INFINITY,
});

export const tiersQuery = queryOptions({
  queryKey: ["registry", "tiers"],
  queryFn: ({ signal }) => get("/model-tiers", {}, signal),
});

export const emergenciesQuery = queryOptions({
  queryKey: ["registry", "emergencies"],
  queryFn: ({ signal }) => get("/model-emergencies", {}, signal),
});

/** With what care a version is loaded, and whether it may be. */
export function handlingQuery(ref: string) {
  return queryOptions({
    queryKey: ["registry", "handling", ref],
    queryFn: ({ signal }) => get("/model-versions/{ref}/handling", { path: { ref } }, signal),
  });
}
