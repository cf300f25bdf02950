import { useSyncExternalStore } from "react";
import { ago, exact } from "../../kernel/time";

const STEP_MS = 15_000;

/** An instant of the clock on the wall: tokens and sessions live in real time, also where the business clock replays the past. */
export function RealTime({ at }: { at: string | null | undefined }) {
  const now = useRealNow();
  if (!at) return <span className="muted">never</span>;
  return (
    <time className="num" dateTime={at} title={exact(at)}>
      {ago(at, now)}
    </time>
  );
}

export function useRealNow(): number {
  return useSyncExternalStore(watch, () => Math.floor(Date.now() / STEP_MS) * STEP_MS + STEP_MS);
}

function watch(tell: () => void): () => void {
  const timer = setInterval(tell, STEP_MS);
  return () => clearInterval(timer);
}
