import { queryOptions } from "@tanstack/react-query";
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

/** `ref` is `late@7`. */
export function reviewQuery(ref: string) {
  return queryOptions({
    queryKey: ["registry", "review", ref],
    queryFn: ({ signal }) => get("/model-versions/{ref}/review", { path: { ref } }, signal),
  });
}

export function cardQuery(ref: string) {
  return queryOptions({
    queryKey: ["registry", "card", ref],
    queryFn: ({ signal }) => get("/model-versions/{ref}/card", { path: { ref } }, signal),
  });
}

export function figuresQuery(evaluation: string) {
  return queryOptions({
    queryKey: ["registry", "figures", evaluation],
    queryFn: ({ signal }) => get("/evaluations/{evaluation}/figures", { path: { evaluation } }, signal),
  });
}

export function explanationsQuery(model: string) {
  return queryOptions({
    queryKey: ["registry", "explanations", model],
    queryFn: ({ signal }) => get("/explanations", { query: { model } }, signal),
  });
}

/** The newest explanations of single answers. */
export function answersQuery(model: string) {
  return queryOptions({
    queryKey: ["registry", "answers", model],
    queryFn: ({ signal }) => get("/explanations/local", { query: { model, limit: 10 } }, signal),
  });
}
