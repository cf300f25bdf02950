import { queryOptions } from "@tanstack/react-query";
import { get } from "../kernel/api/client";

export const actorsQuery = queryOptions({
  queryKey: ["access", "actors"],
  queryFn: ({ signal }) => get("/access/actors", {}, signal),
});

export const bindingsQuery = queryOptions({
  queryKey: ["access", "bindings"],
  queryFn: ({ signal }) => get("/access/bindings", {}, signal),
});

/** The roles of one actor, in all projects whose rights the caller may see. */
export function rolesOfQuery(actor: string) {
  return queryOptions({
    queryKey: ["access", "bindings", actor],
    queryFn: ({ signal }) => get("/access/bindings", { query: { actor } }, signal),
  });
}

export const rolesQuery = queryOptions({
  queryKey: ["access", "roles"],
  queryFn: ({ signal }) => get("/access/roles", {}, signal),
});

export const projectsQuery = queryOptions({
  queryKey: ["access", "projects"],
  queryFn: ({ signal }) => get("/access/projects", {}, signal),
});

export function tokensQuery(actor?: string) {
  return queryOptions({
    queryKey: ["access", "tokens", actor],
    queryFn: ({ signal }) => get("/access/tokens", { query: { actor } }, signal),
  });
}

export function sessionsQuery(actor?: string) {
  return queryOptions({
    queryKey: ["access", "sessions", actor],
    queryFn: ({ signal }) => get("/sessions", { query: { actor } }, signal),
  });
}

export const trustsQuery = queryOptions({
  queryKey: ["access", "trusts"],
  queryFn: ({ signal }) => get("/access/trusts", {}, signal),
});

/** Asked when somebody looks, for it takes the server a second or two. */
export const installationQuery = queryOptions({
  queryKey: ["installation"],
  queryFn: ({ signal }) => get("/installation", {}, signal),
});

export const waysQuery = queryOptions({
  queryKey: ["sign-in ways"],
  queryFn: ({ signal }) => get("/sign-in", {}, signal),
});

export function actsOfQuery(actor: string) {
  return queryOptions({
    queryKey: ["ledger", "acts of", actor],
    queryFn: ({ signal }) => get("/ledger/events", { query: { actor, newest_first: true, limit: 12 } }, signal),
  });
}
