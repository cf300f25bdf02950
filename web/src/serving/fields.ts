import { choice, flag } from "../kernel/url";

const DAY_MS = 86_400_000;
export const SPANS = { "1": "24 h", "7": "7 days", "30": "30 days", "365": "A year" } as const;
export type Span = keyof typeof SPANS;
export const spanItems = Object.entries(SPANS).map(([value, text]) => ({ value: value as Span, text }));

export const STATES = { span: choice("7", "1", "30", "365") };
export const ENDPOINT = {
  tab: choice("traffic", "rollouts", "predictions", "try", "keys"),
  span: choice("7", "1", "30", "365"),
  asked: choice("single", "batch", "all"),
  quantile: choice("p95", "p50", "p99"),
};
export const ROLLOUT = { looks: flag() };

/** From when to when is looked at; a day stands for its beginning. */
export function windowOf(span: Span, at: string | undefined): { since?: string; until?: string } {
  const until = instantOf(at);
  if (until === undefined) return {};
  return { since: new Date(Date.parse(until) - Number(span) * DAY_MS).toISOString(), until };
}

export function instantOf(at: string | undefined): string | undefined {
  if (at === undefined) return undefined;
  return at.length === 10 ? `${at}T00:00:00Z` : at;
}
