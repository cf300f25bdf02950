import { ago, exact, type Instant, useNow } from "../kernel/time";

/** An instant as people say it ("3 h ago"), exact on hover; it ages while it is looked at. */
export function Time({ at }: { at: Instant | null | undefined }) {
  const now = useNow();
  if (at === null || at === undefined || at === "") return <span className="muted">–</span>;
  return (
    <time className="num" dateTime={new Date(at).toISOString()} title={exact(at)}>
      {ago(at, now)}
    </time>
  );
}
