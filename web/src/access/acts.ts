import { send } from "../kernel/api/client";

// The acts of access that take no form; each is an event, by which the pages hear of it.

export const grant = (actor: string, role: string) =>
  send("put", "/access/actors/{actor}/roles/{role}", { path: { actor, role } });

export const revoke = (actor: string, role: string) =>
  send("delete", "/access/actors/{actor}/roles/{role}", { path: { actor, role } });

export const disable = (actor: string) => send("post", "/access/actors/{actor}/disable", { path: { actor } });

export const enable = (actor: string) => send("post", "/access/actors/{actor}/enable", { path: { actor } });

export const issueCode = (actor: string) => send("post", "/access/actors/{actor}/codes", { path: { actor } });

export const revokeToken = (token: string) => send("delete", "/access/tokens/{token}", { path: { token } });

export const endSession = (session: string) => send("delete", "/sessions/{session}", { path: { session } });

export const unlink = (actor: string) => send("delete", "/access/actors/{actor}/identity", { path: { actor } });
