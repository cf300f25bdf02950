import { useQuery } from "@tanstack/react-query";
import { date, exact, time, useNow } from "../../kernel/time";
import { storyQuery } from "../queries";

interface ChampionsProps {
  model: string;
  at: string | undefined;
  onDay: (day: string) => void;
}

const DAY_MS = 86_400_000;

/** Which version was the champion when, as a line of time; a click asks about the day on which it became that. */
export function Champions({ model, at, onDay }: ChampionsProps) {
  const { data } = useQuery(storyQuery(model));
  const now = useNow();
  const moves = (data?.moves ?? []).filter(({ alias }) => alias === "champion");
  const first = moves[0];
  if (!first) return null;
  const from = time(first.since);
  const asked = at ? time(at) : now;
  return (
    <figure className="ledger-champions" aria-label={`Champions of ${model}`}>
      <figcaption>
        Champions of {model}
        <span className="muted">
          {date(from)} to {date(now)}
        </span>
      </figcaption>
      <div className="ledger-champions-line">
        {moves.map(({ version, ref, since, until, how, reason }) => (
          <button
            key={since}
            type="button"
            aria-pressed={time(since) <= asked && (!until || asked < time(until))}
            title={`${ref}, ${how.replace("_", " ")} ${exact(since)}${reason ? `: ${reason}` : ""}`}
            aria-label={`Version ${version} from ${date(since)}${until ? ` to ${date(until)}` : " on"}`}
            style={{ flexGrow: Math.max(DAY_MS, (until ? time(until) : now) - time(since)) / DAY_MS }}
            onClick={() => onDay(date(since))}
          >
            {version}
          </button>
        ))}
      </div>
    </figure>
  );
}
