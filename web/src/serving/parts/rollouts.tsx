import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { significant } from "../../kernel/number";
import { useProject } from "../../kernel/project";
import { duration, now, time } from "../../kernel/time";
import { Button } from "../../ui/button";
import { Empty } from "../../ui/empty";
import { Loaded } from "../../ui/loaded";
import { Num } from "../../ui/num";
import { RefLink } from "../../ui/ref-link";
import { NARROW, useWidth } from "../../ui/size";
import { Status } from "../../ui/status";
import { Table } from "../../ui/table";
import { Time } from "../../ui/time";
import { rolloutsQuery } from "../queries";
import { asOf, isUnderWay, type Rollout, short, stateOf, typeset } from "../words";
import "../../ui/listing.css";

interface RolloutsProps {
  endpoint: string;
  model: string;
  at: string | undefined;
}

/** Every candidate that was put to the test here, and what became of it. */
export function RolloutsTable({ endpoint, model, at }: RolloutsProps) {
  const project = useProject();
  const rollouts = useInfiniteQuery(rolloutsQuery(endpoint));
  const [frame, width] = useWidth();
  const empty = (
    <Empty
      title="No version was rolled out yet"
      command={`ostinato endpoints rollout ${endpoint} --candidate ${model}@VERSION`}
    />
  );
  return (
    <div ref={frame}>
      <Loaded query={rollouts} empty={empty}>
        {(all) =>
          width > 0 && width < NARROW ? (
            <Cards rollouts={asOf(all, at)} project={project} />
          ) : (
            <Wide rollouts={asOf(all, at)} project={project} />
          )
        }
      </Loaded>
      {rollouts.hasNextPage && (
        <Button disabled={rollouts.isFetchingNextPage} onClick={() => void rollouts.fetchNextPage()}>
          Show older
        </Button>
      )}
    </div>
  );
}

interface ShownProps {
  rollouts: readonly Rollout[];
  project: string;
}

function Wide({ rollouts, project }: ShownProps) {
  return (
    <Table
      label="Rollouts"
      rows={rollouts}
      rowKey={({ id }) => id}
      marked={isUnderWay}
      columns={[
        { head: "Verdict", cell: (rollout) => <Verdict rollout={rollout} project={project} /> },
        { head: "Candidate", cell: ({ candidate }) => <RefLink to={candidate} bare /> },
        { head: "Stable", cell: ({ stable }) => <RefLink to={stable} bare /> },
        { head: "Started", cell: ({ started_at }) => <Time at={started_at} /> },
        { head: "Duration", align: "end", cell: ({ started_at, ended_at }) => took(started_at, ended_at) },
        { head: "Requests", align: "end", cell: ({ evidence }) => <Num value={evidence?.scored} /> },
        { head: "E-value", align: "end", cell: eValue },
        { head: "Reason", grow: true, cell: (rollout) => <span className="serving-why">{whyOf(rollout)}</span> },
      ]}
    />
  );
}

function Cards({ rollouts, project }: ShownProps) {
  return (
    <ul className="listing-cards">
      {rollouts.map((rollout) => (
        <li key={rollout.id}>
          <Verdict rollout={rollout} project={project} />
          <span className="muted">
            <Time at={rollout.started_at} />, {took(rollout.started_at, rollout.ended_at)}
          </span>
          <span>
            <RefLink to={rollout.candidate} bare /> over <RefLink to={rollout.stable} bare />
          </span>
          <span className="muted">
            <Num value={rollout.evidence?.scored} unit="requests" />
          </span>
          <span className="serving-card-rollout muted">{whyOf(rollout)}</span>
        </li>
      ))}
    </ul>
  );
}

function Verdict({ rollout, project }: { rollout: Rollout; project: string }) {
  return (
    <Link
      className="serving-verdict-link"
      to={`/${project}/endpoints/${rollout.endpoint}/rollouts/${rollout.id}`}
      aria-label={`Rollout of ${short(rollout.candidate)}: ${stateOf(rollout).word}`}
    >
      <Status {...stateOf(rollout)} />
    </Link>
  );
}

function whyOf({ state, reason, pauses = [] }: Rollout): string {
  const held = state === "paused" && pauses.at(-1);
  return held ? `paused: ${held.reason}` : typeset(reason);
}

function took(from: string, until: string | null | undefined): string {
  return duration((until ? time(until) : now()) - time(from));
}

function eValue({ evidence, plan }: Rollout) {
  if (!evidence) return <span className="muted">–</span>;
  return (
    <span className="num" title={`rolled back at ${significant(1 / plan.alpha)}`}>
      <Num value={evidence.e_value} />
    </span>
  );
}
