import type { Arguments } from "../kernel/api/client";
import { send } from "../kernel/api/client";
import type { Schema } from "../kernel/api/types";

/** By what the server finds a pipeline: one that nobody registered only by where it is. */
export function calledBy({ name, target, registered }: Schema<"PipelineSummary">): string {
  return registered ? name : target;
}

export function start(body: Arguments<"post", "/executions">["body"]) {
  return send("post", "/executions", { body });
}

export function cancel(execution: string) {
  return send("post", "/executions/{execution}/cancel", { path: { execution } });
}

export function retry(execution: string) {
  return send("post", "/executions/{execution}/retry", { path: { execution } });
}

export function schedule(name: string, body: Arguments<"put", "/schedules/{name}">["body"]) {
  return send("put", "/schedules/{name}", { path: { name }, body });
}

export function trigger(name: string, body: Arguments<"put", "/triggers/{name}">["body"]) {
  return send("put", "/triggers/{name}", { path: { name }, body });
}

export function pauseTrigger(trigger: string) {
  return send("post", "/triggers/{trigger}/pause", { path: { trigger } });
}

export function resumeTrigger(trigger: string) {
  return send("post", "/triggers/{trigger}/resume", { path: { trigger } });
}

export function pause(schedule: string) {
  return send("post", "/schedules/{schedule}/pause", { path: { schedule } });
}

export function resume(schedule: string) {
  return send("post", "/schedules/{schedule}/resume", { path: { schedule } });
}

export function backfill(schedule: string, since: string, until: string, concurrency: number) {
  return send("post", "/schedules/{schedule}/backfill", { path: { schedule }, body: { since, until, concurrency } });
}

export function unschedule(schedule: string) {
  return send("delete", "/schedules/{name}", { path: { name: schedule } });
}

export function untrigger(trigger: string) {
  return send("delete", "/triggers/{name}", { path: { name: trigger } });
}
