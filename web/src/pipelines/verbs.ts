import type { Arguments } from "../kernel/api/client";
import { send } from "../kernel/api/client";

export function start(body: Arguments<"post", "/executions">["body"]) {
  return send("post", "/executions", { body });
}

export function cancel(execution: string) {
  return send("post", "/executions/{execution}/cancel", { path: { execution } });
}

export function retry(execution: string) {
  return send("post", "/executions/{execution}/retry", { path: { execution } });
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
