import { duration, time } from "../kernel/time";
import type { Passage } from "./queries";

/** One case of a figure: the version, when it was over, and how long it took. */
export interface Case {
  ref: string;
  at: number;
  hours: number;
  bad?: boolean;
}

type Point = Exclude<keyof Passage, "version">;
const HOUR = 3_600_000;

/** How long each version took from one point to another, of those that passed both within the window. */
export function cases(passages: readonly Passage[], from: Point, to: Point, since: number): readonly Case[] {
  return passages.flatMap((passage) => {
    const [begin, end] = [passage[from], passage[to]];
    if (begin == null || end == null) return [];
    const at = time(end);
    return at < since ? [] : [{ ref: passage.version, at, hours: (at - time(begin)) / HOUR }];
  });
}

/** "< 1 min", "3 h 20 min", "10 d": a span that was measured in hours. */
export function span(hours: number | null | undefined): string {
  if (hours == null) return "–";
  return hours * HOUR < 1000 ? "< 1 min" : duration(hours * HOUR);
}
