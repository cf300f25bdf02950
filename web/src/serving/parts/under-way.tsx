import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { count, percent } from "../../kernel/number";
import { useProject } from "../../kernel/project";
import { Loaded } from "../../ui/loaded";
import { Skeleton } from "../../ui/skeleton";
import { rolloutQuery } from "../queries";
import { short } from "../words";

/** The rollout that is running: its weight, and how far the evidence is on its way to either end. */
export function UnderWay({ endpoint, rollout }: { endpoint: string; rollout: string }) {
  const project = useProject();
  const story = useQuery(rolloutQuery(rollout));
  return (
    <Loaded query={story} skeleton={<Skeleton lines={2} />}>
      {({ rollout: running, to_promote, to_roll_back }) => (
        <div className="serving-under-way" data-kind="running">
          <p>
            <Link to={`/${project}/endpoints/${endpoint}/rollouts/${rollout}`}>
              {short(running.candidate)} is being tested
            </Link>{" "}
            <span className="muted">
              answers {percent(running.steps.at(-1)?.weight ?? 0, 0)} ·{" "}
              {count(running.evidence?.scored ?? 0, "request")} so far
            </span>
          </p>
          <Meter label="Evidence to promote" share={to_promote} kind="ok" />
          <Meter label="Evidence to roll back" share={to_roll_back} kind="bad" />
        </div>
      )}
    </Loaded>
  );
}

interface MeterProps {
  label: string;
  share: number;
  kind: "ok" | "bad";
}

/** How much of the way to a limit is gone. */
export function Meter({ label, share, kind }: MeterProps) {
  return (
    <div className="serving-meter" data-kind={kind}>
      <span>{label}</span>
      <span
        className="serving-track"
        role="meter"
        aria-label={label}
        aria-valuenow={Math.round(100 * share)}
        aria-valuemin={0}
        aria-valuemax={100}
      >
        <span style={{ width: `${100 * share}%` }} />
      </span>
      <span className="num">{percent(share, 0)}</span>
    </div>
  );
}
