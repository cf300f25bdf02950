import { time } from "../kernel/time";
import type { WindowMark } from "./queries";

const DAY = 86_400_000;

export interface Proposed {
  start: string;
  end: string;
  key: string;
}

/** The window that a person most likely wants next: as long as the last one and after it, or, where that is still to come, the last one again. */
export function proposed(last: WindowMark | null, now: number): Proposed {
  if (!last) return { start: local(now - DAY), end: local(now), key: "" };
  const [start, end] = [time(last.start), time(last.end)];
  if (end >= now) return { start: local(start), end: local(end), key: `${last.key || "window"} again` };
  return { start: local(end), end: local(Math.min(now, end + (end - start))), key: "" };
}

/** An instant as `<input type="datetime-local">` writes it, in UTC. */
function local(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16);
}
