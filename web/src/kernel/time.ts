import { useSyncExternalStore } from "react";
import { get } from "./api/client";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export type Instant = string | number | Date;

let ahead = 0;
let standing: number | undefined;
const watchers = new Set<() => void>();
let ageing: ReturnType<typeof setInterval> | undefined;

/** What time the platform believes it is, in ms since 1970: a replay stands in the year that it plays. */
export function now(): number {
  return standing ?? Date.now() + ahead;
}

/** Asks the server for its time; called at the start, and when something happened while its clock stands. */
export async function setClock(): Promise<void> {
  const state = await get("/clock");
  const told = Date.parse(state.now);
  standing = state.replay ? told : undefined;
  ahead = told - Date.now();
  tellAll();
}

function tellAll(): void {
  for (const tell of watchers) tell();
}

/** Whether the server's clock moves only when it is set. */
export function isReplay(): boolean {
  return standing !== undefined;
}

/** `now()`, to the minute, for what is to be drawn again as time goes by. */
export function useNow(): number {
  return useSyncExternalStore(watch, minute);
}

function watch(tell: () => void): () => void {
  if (watchers.size === 0) ageing = setInterval(tellAll, MINUTE / 4);
  watchers.add(tell);
  return () => {
    watchers.delete(tell);
    if (watchers.size === 0) clearInterval(ageing);
  };
}

function minute(): number {
  return standing ?? Math.floor(now() / MINUTE) * MINUTE + MINUTE - 1;
}

/** How long ago, or in how long: `just now`, `5 min ago`, `in 3 h`, `4 d ago`, and the date from ten weeks on. */
export function ago(at: Instant, from: number = now()): string {
  const ms = from - time(at);
  const far = Math.abs(ms);
  if (far < 45 * SECOND) return "just now";
  if (far >= 70 * DAY) return date(at);
  return ms > 0 ? `${rounded(far)} ago` : `in ${rounded(far)}`;
}

function rounded(ms: number): string {
  if (ms < 59.5 * MINUTE) return `${Math.round(ms / MINUTE) || 1} min`;
  if (ms < 36 * HOUR) return `${Math.round(ms / HOUR)} h`;
  return `${Math.round(ms / DAY)} d`;
}

/** A span in its two largest units: `850 ms`, `4.2 s`, `3 min 20 s`, `2 h 5 min`, `6 d 4 h`. */
export function duration(ms: number): string {
  if (ms < 0) return `−${duration(-ms)}`;
  if (ms < 1) return `${ms.toPrecision(2)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59.95 * SECOND) return `${(ms / SECOND).toFixed(1)} s`;
  if (ms < HOUR) return pair(ms, MINUTE, "min", SECOND, "s");
  if (ms < DAY) return pair(ms, HOUR, "h", MINUTE, "min");
  return pair(ms, DAY, "d", HOUR, "h");
}

function pair(ms: number, large: number, largeWord: string, small: number, smallWord: string): string {
  const total = Math.round(ms / small);
  const per = large / small;
  const rest = total % per;
  return `${Math.floor(total / per)} ${largeWord}${rest ? ` ${rest} ${smallWord}` : ""}`;
}

/** `2013-09-02`, in UTC as everything here. */
export function date(at: Instant): string {
  return iso(at).slice(0, 10);
}

/** The exact instant: `2013-09-02 04:00:00 UTC`. */
export function exact(at: Instant): string {
  return `${iso(at).slice(0, 19).replace("T", " ")} UTC`;
}

/** Milliseconds since 1970. */
export function time(at: Instant): number {
  return typeof at === "number" ? at : typeof at === "string" ? Date.parse(at) : at.getTime();
}

function iso(at: Instant): string {
  const ms = time(at);
  return Number.isNaN(ms) ? "no instant" : new Date(ms).toISOString();
}
