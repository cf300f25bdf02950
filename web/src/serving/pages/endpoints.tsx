import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import type { Schema } from "../../kernel/api/types";
import { count, percent } from "../../kernel/number";
import { time } from "../../kernel/time";
import { useUrlState } from "../../kernel/url";
import type { Column } from "../../ui/data-table/columns";
import { Empty } from "../../ui/empty";
import { Listing } from "../../ui/listing";
import { Loaded } from "../../ui/loaded";
import { Num } from "../../ui/num";
import { Page } from "../../ui/page";
import { Spark } from "../../ui/plots/spark";
import { RefLink } from "../../ui/ref-link";
import { Status } from "../../ui/status";
import { Segments } from "../../ui/tabs";
import { Time } from "../../ui/time";
import { SPANS, STATES, spanItems } from "../fields";
import { statesQuery } from "../queries";
import { health, short } from "../words";
import "../serving.css";

type State = Schema<"EndpointState">;

/** Is every endpoint well? */
export function EndpointsPage() {
  const [{ span }, set] = useUrlState(STATES);
  const states = useQuery(statesQuery(24 * Number(span)));
  const columns = useMemo(() => columnsOf(SPANS[span]), [span]);
  const actions = (
    <Segments label="Time in view" items={spanItems} value={span} onChange={(next) => set({ span: next })} />
  );
  return (
    <Page title="Endpoints" lead="Versions in service, their traffic and errors." actions={actions}>
      <Loaded
        query={states}
        empty={
          <Empty title="No endpoints yet" command="ostinato endpoints deploy NAME --model MODEL@VERSION">
            An endpoint serves a version of a model and logs each prediction.
          </Empty>
        }
      >
        {(all) => (
          <Listing
            label="Endpoints"
            filterLabel="Filter endpoints"
            columns={columns}
            rows={all.toSorted(byWorry)}
            name={({ endpoint }) => endpoint.name}
            place="endpoints"
            words={({ endpoint }) => [endpoint.name, endpoint.version]}
            card={(state) => <Card state={state} />}
            none={(filter) => `No endpoint has “${filter}” in its name or version`}
          />
        )}
      </Loaded>
    </Page>
  );
}

/** Errors first, then what is being changed. */
function byWorry(a: State, b: State): number {
  return b.errors - a.errors || Number(b.endpoint.rollout !== null) - Number(a.endpoint.rollout !== null);
}

function columnsOf(span: string): Column<State>[] {
  return [
    {
      id: "name",
      head: "Endpoint",
      width: 120,
      cell: ({ endpoint }) => <RefLink to={`endpoint:${endpoint.name}`} bare />,
      sort: ({ endpoint }) => endpoint.name,
    },
    { id: "health", head: `In ${span}`, width: 168, cell: (state) => <Status {...health(state)} /> },
    {
      id: "requests",
      head: "Requests",
      width: 84,
      align: "end",
      cell: ({ requests }) => <Num value={requests} />,
      sort: ({ requests }) => requests,
    },
    { id: "spark", head: "Requests over time", width: 152, cell: (state) => <Asked state={state} /> },
    {
      id: "errors",
      head: "Errors",
      width: 72,
      align: "end",
      cell: ({ errors }) => <Num value={errors} />,
      sort: ({ errors }) => errors,
    },
    {
      id: "p95",
      head: "p95",
      width: 88,
      align: "end",
      cell: ({ latency_p95_ms }) => <Num value={latency_p95_ms} unit="ms" />,
      sort: ({ latency_p95_ms }) => latency_p95_ms,
    },
    {
      id: "last",
      head: "Last request",
      width: 112,
      cell: ({ last_at }) => <Time at={last_at} />,
      sort: ({ last_at }) => (last_at ? time(last_at) : null),
    },
    {
      id: "version",
      head: "Version",
      width: 104,
      cell: ({ endpoint }) => <RefLink to={endpoint.version} bare />,
    },
    {
      id: "since",
      head: "Since",
      width: 104,
      cell: ({ since }) => <Time at={since} />,
      sort: ({ since }) => (since ? time(since) : null),
    },
    {
      id: "rollout",
      head: "Rollout",
      width: 220,
      grow: true,
      cell: (state) => <span className="serving-rolling">{underWay(state)}</span>,
    },
  ];
}

function Asked({ state: { endpoint, spark } }: { state: State }) {
  return <Spark label={`Requests to ${endpoint.name}`} values={spark} width={136} fromZero />;
}

function underWay({ endpoint: { rollout, shares, paused } }: State) {
  const candidate = shares.find(({ role }) => role === "candidate");
  if (rollout === null || !candidate) return <span className="muted">none</span>;
  return (
    <>
      <Status kind={paused ? "waiting" : "running"} word={paused ? "Paused" : "Running"} />{" "}
      <RefLink to={`rollout:${rollout}`}>
        {short(candidate.version)} answers {percent(candidate.weight, 0)}
      </RefLink>
    </>
  );
}

function Card({ state }: { state: State }) {
  const { endpoint, requests, latency_p95_ms, since } = state;
  return (
    <>
      <RefLink to={`endpoint:${endpoint.name}`} bare />
      <Status {...health(state)} />
      <span>
        <RefLink to={endpoint.version} bare />{" "}
        <span className="muted">
          since <Time at={since} />
        </span>
      </span>
      <Asked state={state} />
      <span className="muted">{count(requests, "request")}</span>
      <span className="muted serving-p95">
        p95 <Num value={latency_p95_ms} unit="ms" />
      </span>
      {endpoint.rollout !== null && <span className="serving-card-rollout">{underWay(state)}</span>}
    </>
  );
}
