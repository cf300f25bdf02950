import { useQuery } from "@tanstack/react-query";
import type { Schema } from "../../kernel/api/types";
import { percent } from "../../kernel/number";
import { useUrlState } from "../../kernel/url";
import { Empty } from "../../ui/empty";
import { Loaded } from "../../ui/loaded";
import { Num } from "../../ui/num";
import { Page } from "../../ui/page";
import { Spark } from "../../ui/plots/spark";
import { RefLink } from "../../ui/ref-link";
import { Status } from "../../ui/status";
import { Table, type TableColumn } from "../../ui/table";
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
  const actions = (
    <Segments label="Time in view" items={spanItems} value={span} onChange={(next) => set({ span: next })} />
  );
  return (
    <Page title="Endpoints" lead="What answers, and how it answered of late." actions={actions}>
      <Loaded
        query={states}
        empty={<Empty title="Nothing answers yet" command="ostinato endpoints deploy NAME MODEL@VERSION" />}
      >
        {(all) => (
          <Table
            label="Endpoints"
            columns={columns(SPANS[span])}
            rows={all.toSorted(byWorry)}
            rowKey={({ endpoint }) => endpoint.name}
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

function columns(span: string): TableColumn<State>[] {
  return [
    { head: "Endpoint", cell: ({ endpoint }) => <RefLink to={`endpoint:${endpoint.name}`} bare /> },
    { head: `In ${span}`, cell: (state) => <Status {...health(state)} /> },
    { head: "Requests", align: "end", cell: ({ requests }) => <Num value={requests} /> },
    {
      head: <span className="sr-only">Requests over time</span>,
      cell: ({ endpoint, spark }) => (
        <Spark label={`Requests to ${endpoint.name}`} values={spark} width={160} fromZero />
      ),
    },
    { head: "Errors", align: "end", cell: ({ errors }) => <Num value={errors} /> },
    { head: "p95", align: "end", cell: ({ latency_p95_ms }) => <Num value={latency_p95_ms} unit="ms" /> },
    { head: "Last answer", cell: ({ last_at }) => <Time at={last_at} /> },
    {
      head: "Answers with",
      cell: ({ endpoint }) => <RefLink to={endpoint.version} bare />,
    },
    { head: "Since", cell: ({ since }) => <Time at={since} /> },
    { head: "Rollout under way", grow: true, cell: underWay },
  ];
}

function underWay({ endpoint: { rollout, shares } }: State) {
  const candidate = shares.find(({ role }) => role === "candidate");
  if (rollout === null || !candidate) return <span className="muted">none</span>;
  return (
    <RefLink to={`rollout:${rollout}`}>
      {short(candidate.version)} answers {percent(candidate.weight, 0)}
    </RefLink>
  );
}
