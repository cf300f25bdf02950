import type { Schema } from "../kernel/api/types";
import type { PlainLine } from "../ui/line-chart/lines";
import { colourOf, short } from "./words";

type Traffic = Schema<"Traffic">;
type Answered = Schema<"Answered">;
export type Asked = "single" | "batch" | "all";
export type Quantile = "p50" | "p95" | "p99";

export const LINES_MAX = 6;

export function countOf({ requests, batch }: Answered, asked: Asked): number {
  return asked === "all" ? requests : asked === "batch" ? batch : requests - batch;
}

/** A line of requests for each version: nothing was asked where a bin is absent, and a version is silent before it came and after it went. */
export function requestLines(traffic: Traffic, asked: Asked): PlainLine[] {
  return linesOf(traffic, (answered) => countOf(answered, asked), 0);
}

/** A line of latency for each version; a gap where nothing was asked one by one. */
export function latencyLines(traffic: Traffic, quantile: Quantile): PlainLine[] {
  return linesOf(traffic, (answered) => answered[`latency_${quantile}_ms`], null);
}

export function errorLines(traffic: Traffic): PlainLine[] {
  return linesOf(traffic, ({ errors }) => errors, 0);
}

type Value = (answered: Answered) => number | null;

/** Of more versions than can be told apart, the newest. */
function linesOf(traffic: Traffic, value: Value, absent: 0 | null): PlainLine[] {
  const x = times(traffic);
  const place = new Map(x.map((at, i) => [at, i]));
  const lines: PlainLine[] = [];
  for (const { version } of traffic.versions) {
    const y: (number | null)[] = new Array(x.length).fill(null);
    const own = traffic.bins.filter(({ answered }) => answered.version === version);
    const places = own.map(({ start }) => place.get(Date.parse(start)) ?? 0);
    const [first, last] = [Math.min(...places), Math.max(...places)];
    y.fill(absent, first, last + 1);
    own.forEach(({ answered }, i) => {
      y[places[i] ?? 0] = value(answered);
    });
    if (!y.some((one) => one !== null && one > 0)) continue;
    lines.push({ name: short(version), x, y: withEdges(y, absent), colour: colourOf(version), steps: absent === 0 });
  }
  return lines.slice(-LINES_MAX);
}

/** Counts fall to zero beside the span in which a version answers, so that its end is seen. */
function withEdges(y: (number | null)[], absent: 0 | null): (number | null)[] {
  if (absent === null) return y;
  return y.map((value, i) => value ?? ((y[i - 1] ?? null) !== null || (y[i + 1] ?? null) !== null ? 0 : null));
}

/** The start of each bin of the window, also of those in which nothing was asked. */
export function times({ since, until, bin_s }: Pick<Traffic, "since" | "until" | "bin_s">): number[] {
  const width = bin_s * 1000;
  const first = Math.floor(Date.parse(since) / width);
  const bins = Math.floor(Date.parse(until) / width) - first + 1;
  return Array.from({ length: bins }, (_, i) => (first + i) * width);
}

const WIDTHS: readonly (readonly [s: number, word: string])[] = [
  [86_400, "day"],
  [3600, "hour"],
  [60, "minute"],
  [1, "second"],
];

/** `requests per 3 hours`. */
export function perBin(bin_s: number): string {
  const [width, word] = WIDTHS.find(([s]) => bin_s % s === 0) ?? [1, "second"];
  const many = bin_s / width;
  return many === 1 ? `per ${word}` : `per ${many} ${word}s`;
}
