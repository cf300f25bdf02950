import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { count, percent } from "../../kernel/number";
import { useProject } from "../../kernel/project";
import { Loaded } from "../../ui/loaded";
import { Meter } from "../../ui/meter";
import { RefLink } from "../../ui/ref-link";
import { Skeleton } from "../../ui/skeleton";
import { Status } from "../../ui/status";
import { rolloutQuery } from "../queries";
import { type Rollout, short, stateOf } from "../words";

/** The rollout that is running: its weight, and how far the evidence is on its way to either end. */
export function UnderWay({ endpoint, rollout }: { endpoint: string; rollout: string }) {
  const project = useProject();
  const story = useQuery(rolloutQuery(rollout));
  return (
    <Loaded query={story} skeleton={<Skeleton lines={2} />}>
      {({ rollout: running, to_promote, to_roll_back }) => (
        <div className="serving-under-way">
          <p>
            <Status {...stateOf(running)} badge />{" "}
            <Link className="serving-tested" to={`/${project}/endpoints/${endpoint}/rollouts/${rollout}`}>
              {short(running.candidate)} is being tested
            </Link>{" "}
            <span className="muted">
              on {percent(running.steps.at(-1)?.weight ?? 0, 0)} of the requests ·{" "}
              {count(running.evidence?.scored ?? 0, "request")} so far
            </span>
          </p>
          {running.state === "paused" && <p className="muted">Paused by {pausedBy(running)}</p>}
          <Towards label="Evidence to promote" share={to_promote} kind="ok" />
          <Towards label="Evidence to roll back" share={to_roll_back} kind="bad" />
        </div>
      )}
    </Loaded>
  );
}

/** `person ben: a load test is running` */
function pausedBy({ pauses = [] }: Rollout) {
  const last = pauses.at(-1);
  return (
    last && (
      <>
        <RefLink to={last.by} />: {last.reason}
      </>
    )
  );
}

interface TowardsProps {
  label: string;
  share: number;
  kind: "ok" | "bad" | "idle";
  /** Instead of the share. */
  said?: string;
}

/** How much of the way to a limit is gone. */
export function Towards({ label, share, kind, said = percent(share, 0) }: TowardsProps) {
  return (
    <div
      className="serving-meter"
      role="meter"
      aria-label={label}
      aria-valuenow={Math.round(100 * share)}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuetext={said}
    >
      <span>{label}</span>
      <Meter share={share} kind={kind} />
      <span className="num">{said}</span>
    </div>
  );
}
