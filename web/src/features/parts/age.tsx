import type { Schema } from "../../kernel/api/types";
import { Status } from "../../ui/status";
import { Time } from "../../ui/time";
import { span } from "../words";

/** How old the newest event is against what the view promises. */
export function Age({ freshness: { newest, age_hours, limit_hours, fresh } }: { freshness: Schema<"Freshness"> }) {
  if (newest === null || age_hours === null) return <Status kind="idle" word="No event yet" />;
  if (limit_hours === null)
    return (
      <span>
        <Time at={newest} /> <span className="muted">no promise</span>
      </span>
    );
  return (
    <span>
      <Status kind={fresh ? "ok" : "bad"} word={fresh ? "Fresh" : "Stale"} />{" "}
      <span className="muted">
        {span(age_hours)} of {span(limit_hours)}
      </span>
    </span>
  );
}

/** Which version of the dataset the online store holds, and whether that is the newest. */
export function Loaded({ state: { loaded, latest } }: { state: Schema<"ViewState"> }) {
  if (loaded === null) return <Status kind="warn" word="Not loaded" />;
  if (loaded === latest) return <Status kind="ok" word="Newest version" />;
  const behind = (latest ?? loaded) - loaded;
  return <Status kind="warn" word={`${behind} ${behind === 1 ? "version" : "versions"} behind`} />;
}
