import type { Schema } from "../../kernel/api/types";
import { Status } from "../../ui/status";
import { Time } from "../../ui/time";
import { hours } from "../checks";
import "./freshness.css";

/** How old the newest version is against what was promised: as a word, a bar that the promise ends, and an age. */
export function Freshness({ state }: { state: Schema<"DatasetState"> }) {
  const { version, age_hours, promise_hours, fresh } = state;
  if (!version || age_hours === null) return <Status kind="idle" word="No version yet" />;
  if (promise_hours === null)
    return (
      <span className="freshness">
        <Time at={version.created_at} /> <span className="muted">no promise</span>
      </span>
    );
  return (
    <span className="freshness" title={`${hours(age_hours)} old, promised below ${hours(promise_hours)}`}>
      <Status kind={fresh ? "ok" : "bad"} word={fresh ? "Fresh" : "Stale"} />
      <AgeBar age={age_hours} promise={promise_hours} />
      <span className="muted">
        {hours(age_hours)} of {hours(promise_hours)}
      </span>
    </span>
  );
}

function AgeBar({ age, promise }: { age: number; promise: number }) {
  const share = Math.min(1, age / promise);
  return (
    <span className="freshness-bar" data-kind={age <= promise ? "ok" : "bad"} aria-hidden>
      <span style={{ width: `${share * 100}%` }} />
    </span>
  );
}
