import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { count, percent, significant } from "../../kernel/number";
import { useProject } from "../../kernel/project";
import { query } from "../../kernel/url";
import type { Column } from "../../ui/data-table/columns";
import { Empty } from "../../ui/empty";
import { Listing } from "../../ui/listing";
import { Loaded } from "../../ui/loaded";
import { Page } from "../../ui/page";
import { Spark } from "../../ui/plots/spark";
import { RefLink } from "../../ui/ref-link";
import { Status } from "../../ui/status";
import { Time } from "../../ui/time";
import { INBOX } from "../filters";
import { EffectBar } from "../parts/effect-bar";
import { type MonitorState, statesQuery } from "../queries";
import { change, reach, subject, windowName } from "../words";
import "../monitoring.css";

const COMMAND = "ostinato monitors create --name NAME --endpoint ENDPOINT --reference DIGEST --features FEATURE";

/** Which endpoint drifts, and what waits for somebody? */
export function MonitorsPage() {
  const project = useProject();
  const states = useQuery(statesQuery);
  const columns = useMemo(() => columnsOf(project), [project]);
  return (
    <Page title="Monitors" lead="Each compares the predictions of an endpoint, window by window, with a reference.">
      <Loaded query={states} empty={<Empty title="No monitors yet" command={COMMAND} />}>
        {(all) => (
          <Listing
            label="Monitors"
            filterLabel="Filter monitors"
            columns={columns}
            rows={all.toSorted((a, b) => b.open_findings - a.open_findings)}
            name={({ monitor }) => monitor.name}
            place="monitors"
            words={({ monitor }) => [monitor.name, monitor.endpoint, ...monitor.features]}
            card={(state) => <Card state={state} project={project} />}
            none={(filter) => `No monitor has “${filter}” in its name, endpoint or features`}
          />
        )}
      </Loaded>
    </Page>
  );
}

interface CardProps {
  state: MonitorState;
  project: string;
}

function Card({ state, project }: CardProps) {
  const { monitor, last } = state;
  return (
    <>
      <RefLink to={`monitor:${monitor.name}`} bare />
      <Open state={state} project={project} />
      <span>{last ? <RefLink to={`window:${last.id}`}>{windowName(last)}</RefLink> : "no window yet"}</span>
      <Performance state={state} />
      <span className="monitors-card">
        <Worst state={state} />
      </span>
    </>
  );
}

function Open({ state: { open_findings: open, monitor }, project }: CardProps) {
  if (!open) return <span className="muted">no open finding</span>;
  const to = `/${project}/findings${query(INBOX, { monitor: monitor.name })}`;
  return <Link to={to}>{count(open, "open finding")}</Link>;
}

function kindOf({ kinds }: MonitorState, kind: "drift" | "performance") {
  return kinds.find((one) => one.kind === kind);
}

function columnsOf(project: string): Column<MonitorState>[] {
  return [
    {
      id: "name",
      head: "Monitor",
      width: 100,
      grow: true,
      cell: ({ monitor }) => <RefLink to={`monitor:${monitor.name}`} bare />,
      sort: ({ monitor }) => monitor.name,
    },
    {
      id: "endpoint",
      head: "Endpoint",
      width: 100,
      cell: ({ monitor }) => <RefLink to={`endpoint:${monitor.endpoint}`} bare />,
      sort: ({ monitor }) => monitor.endpoint,
    },
    {
      id: "last",
      head: "Last window",
      width: 160,
      cell: ({ last, measured_at }) =>
        last ? (
          <span className="monitors-window">
            <RefLink to={`window:${last.id}`}>{windowName(last)}</RefLink>
            <span className="muted">
              <Time at={measured_at} />
            </span>
          </span>
        ) : (
          <span className="muted">none yet</span>
        ),
      sort: ({ last }) => last?.end ?? null,
    },
    {
      id: "drift",
      head: "Worst drift",
      width: 290,
      cell: (state) => <Worst state={state} />,
      sort: (state) => {
        const drift = kindOf(state, "drift");
        return drift ? reach(drift.worst) : null;
      },
    },
    {
      id: "performance",
      head: "Performance",
      width: 200,
      cell: (state) => <Performance state={state} />,
    },
    {
      id: "labels",
      head: "Labels",
      width: 72,
      align: "end",
      cell: ({ last }) => (last?.rows ? percent(last.labelled / last.rows, 0) : <span className="muted">–</span>),
      sort: ({ last }) => (last?.rows ? last.labelled / last.rows : null),
    },
    {
      id: "alarms",
      head: "Alarms by window",
      width: 128,
      cell: ({ recent }) => (
        <Spark
          label={recent.map(({ alarms }) => alarms).join(", ")}
          values={recent.map(({ alarms }) => alarms)}
          fromZero
        />
      ),
    },
    {
      id: "open",
      head: "Open findings",
      width: 112,
      align: "end",
      cell: ({ open_findings: open, monitor }) =>
        open ? (
          <Link to={`/${project}/findings${query(INBOX, { monitor: monitor.name })}`}>{open}</Link>
        ) : (
          <span className="muted">0</span>
        ),
      sort: ({ open_findings: open }) => open,
    },
  ];
}

function Worst({ state }: { state: MonitorState }) {
  const drift = kindOf(state, "drift");
  if (!drift) return <span className="muted">not measured</span>;
  return (
    <span className="monitors-worst">
      <span className="monitors-feature">{subject(drift.worst)}</span>
      <EffectBar measured={drift.worst} />
      <span className="num">{significant(drift.worst.effect, 2)}</span>
    </span>
  );
}

function Performance({ state }: { state: MonitorState }) {
  const found = kindOf(state, "performance");
  if (!found) return <span className="muted">too few labels</span>;
  const words = `${subject(found.worst)} ${change(found.worst)}`;
  return <Status kind={found.alarms ? "bad" : "ok"} word={words} />;
}
