import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { ApiError } from "../../kernel/api/errors";
import { useProject } from "../../kernel/project";
import { useMay } from "../../kernel/session";
import { duration } from "../../kernel/time";
import { useUrlState } from "../../kernel/url";
import { useVerbs } from "../../kernel/verbs";
import { Button, LinkButton } from "../../ui/button";
import type { Column } from "../../ui/data-table/columns";
import { DataTable } from "../../ui/data-table/data-table";
import { Empty } from "../../ui/empty";
import { FilterBar } from "../../ui/filter-bar";
import { Loaded } from "../../ui/loaded";
import { Menu } from "../../ui/menu";
import { Num } from "../../ui/num";
import { Page } from "../../ui/page";
import { useWidth } from "../../ui/size";
import { Skeleton } from "../../ui/skeleton";
import { Status } from "../../ui/status";
import { Segments } from "../../ui/tabs";
import { Time } from "../../ui/time";
import { TRACES } from "../fields";
import { Course } from "../parts/course";
import { Issues } from "../parts/issues";
import { Keeping } from "../parts/keeping";
import { Prices } from "../parts/prices";
import { Questions } from "../parts/questions";
import { tracesQuery } from "../queries";
import { condition, dollars, gist, said, stateOf, type Trace } from "../words";
import "../traces.css";

const STATES = [
  { value: "any", text: "All" },
  { value: "ok", text: "OK" },
  { value: "error", text: "Errors" },
  { value: "in_progress", text: "In progress" },
] as const;
const SPANS = [
  { value: "1h", text: "1 h" },
  { value: "24h", text: "24 h" },
  { value: "7d", text: "7 d" },
  { value: "30d", text: "30 d" },
] as const;
const SETTINGS = [
  { text: "Review questions", is: "questions" },
  { text: "Model prices", is: "prices" },
  { text: "Retention", is: "keeping" },
] as const;
const NARROW = 640;
const COLUMNS: readonly Column<Trace>[] = [
  { id: "started_at", head: "Began", width: 110, sort: true, cell: ({ started_at }) => <Time at={started_at} /> },
  {
    id: "name",
    head: "Name",
    width: 200,
    grow: true,
    sort: true,
    cell: ({ name, request }) => (
      <span className="traces-name">
        <b>{name || "unnamed"}</b> <span className="muted">{gist(request)}</span>
      </span>
    ),
  },
  { id: "state", head: "State", width: 108, sort: true, cell: ({ state }) => <Status {...stateOf(state)} /> },
  {
    id: "duration_ms",
    head: "Latency",
    width: 100,
    align: "end",
    sort: true,
    cell: ({ duration_ms }) => (duration_ms === null ? <span className="muted">–</span> : duration(duration_ms)),
  },
  {
    id: "total_tokens",
    head: "Tokens",
    width: 90,
    align: "end",
    sort: true,
    cell: ({ usage }) => <Num value={usage.total_tokens} />,
  },
  {
    id: "cost",
    head: "Cost",
    width: 100,
    align: "end",
    sort: true,
    cell: ({ usage }) => <Money value={usage.cost} />,
  },
  {
    id: "session",
    head: "Session",
    width: 100,
    sort: true,
    cell: ({ session }) => session || <span className="muted">–</span>,
  },
  { id: "experiment", head: "Experiment", width: 120, sort: true, cell: ({ experiment }) => experiment },
  { id: "said", head: "Assessments", width: 140, cell: ({ assessments }) => <Said assessments={assessments} /> },
];

/** What did the application do, was it well, and what did it cost? */
export function TracesPage() {
  const [{ filter, state, span, sort }, set] = useUrlState(TRACES);
  const [dialog, setDialog] = useState<"issues" | "prices" | "keeping" | "questions">();
  const project = useProject();
  const navigate = useNavigate();
  const [mayJudge, mayWrite, mayPurge] = [useMay("trace:assess"), useMay("trace:write"), useMay("trace:purge")];
  const [frame, width] = useWidth();
  const where = useMemo(
    () => [`started_at > -${span}`, ...(state === "any" ? [] : [`state = ${state}`]), ...condition(filter)],
    [span, state, filter],
  );
  const found = useInfiniteQuery(tracesQuery(where, sort));
  const wrong = found.error instanceof ApiError && found.error.status === 400 ? found.error : undefined;
  const settings = useMemo(() => SETTINGS.map(({ text, is }) => ({ text, onSelect: () => setDialog(is) })), []);
  useVerbs(useMemo(() => settings.map(({ text, onSelect }) => ({ label: text, run: onSelect })), [settings]));
  const rows = useMemo(() => found.data?.pages.flatMap(({ items }) => items) ?? [], [found.data]);
  return (
    <Page
      title="Traces"
      lead="What applications did for each request, step by step."
      actions={
        <>
          <LinkButton to={`/${project}/evalsets`}>Evaluation sets</LinkButton>
          <Button onClick={() => setDialog("issues")}>Issues</Button>
          <Menu label="Settings" items={settings} />
        </>
      }
    >
      <FilterBar
        label="Filter traces"
        placeholder="text, or duration_ms > 2000"
        value={filter}
        onChange={(next) => set({ filter: next })}
        {...(wrong && { error: wrong.message.split("\n")[0] ?? "" })}
        note={
          found.data &&
          `${rows.length}${found.hasNextPage ? " and more" : ""} ${rows.length === 1 ? "trace" : "traces"}`
        }
      >
        <Segments label="State" items={STATES} value={state} onChange={(next) => set({ state: next })} />
        <Segments label="Span of time" items={SPANS} value={span} onChange={(next) => set({ span: next })} />
      </FilterBar>
      {!wrong && <Course where={where} span={span} />}
      <div ref={frame} />
      {!wrong && (
        <Loaded query={found} skeleton={<Skeleton height={320} />}>
          {() =>
            rows.length > 0 && width > 0 && width < NARROW ? (
              <Cards rows={rows} more={found.hasNextPage ? () => void found.fetchNextPage() : undefined} />
            ) : (
              <DataTable
                label="Traces"
                columns={COLUMNS}
                rows={rows}
                rowKey={({ id }) => id}
                sort={sort}
                onSort={(next) => set({ sort: next ?? "-started_at" })}
                onOpen={({ id }) => void navigate({ to: `/${project}/traces/${encodeURIComponent(id)}` })}
                onEnd={() => void (found.hasNextPage && !found.isFetchingNextPage && found.fetchNextPage())}
                maxHeight="70vh"
                empty={<Nothing filtered={filter !== "" || state !== "any"} />}
              />
            )
          }
        </Loaded>
      )}
      {dialog === "issues" && (
        <Issues
          may={mayJudge}
          onShow={(issue) => {
            set({ filter: `issue = "${issue}"`, span: "30d" });
            setDialog(undefined);
          }}
          onClose={() => setDialog(undefined)}
        />
      )}
      {dialog === "questions" && <Questions may={mayWrite} onClose={() => setDialog(undefined)} />}
      {dialog === "prices" && <Prices may={mayWrite} onClose={() => setDialog(undefined)} />}
      {dialog === "keeping" && <Keeping may={mayPurge} onClose={() => setDialog(undefined)} />}
    </Page>
  );
}

/** Traces where a table has no room. */
function Cards({ rows, more }: { rows: readonly Trace[]; more: (() => void) | undefined }) {
  const project = useProject();
  return (
    <>
      <ul className="trace-cards">
        {rows.map(({ id, name, request, state, duration_ms, usage, started_at }) => (
          <li key={id}>
            <Link to={`/${project}/traces/${encodeURIComponent(id)}`}>{name || "unnamed"}</Link>
            <Status {...stateOf(state)} />
            <span className="muted">{gist(request)}</span>
            <span className="trace-card-facts">
              {duration_ms !== null && <span>{duration(duration_ms)}</span>}
              {usage.total_tokens !== null && <span>{usage.total_tokens} tokens</span>}
              {usage.cost !== null && <Money value={usage.cost} />}
              <Time at={started_at} />
            </span>
          </li>
        ))}
      </ul>
      {more && <Button onClick={more}>More</Button>}
    </>
  );
}

export function Money({ value }: { value: number | null }) {
  if (value === null) return <span className="muted">–</span>;
  return (
    <data value={value} title={`$${value}`} className="num">
      {dollars(value)}
    </data>
  );
}

function Said({ assessments }: { assessments: Trace["assessments"] | undefined }) {
  const valid = assessments?.filter(({ valid, kind }) => valid && kind === "feedback") ?? [];
  const [first] = valid;
  if (!first) return <span className="muted">–</span>;
  return (
    <span title={valid.map(({ name, value }) => `${name}: ${said(value)}`).join("\n")}>
      {first.name}: {first.error ? "failed" : said(first.value)}
      {valid.length > 1 && <span className="muted"> +{valid.length - 1}</span>}
    </span>
  );
}

function Nothing({ filtered }: { filtered: boolean }) {
  if (filtered) return <Empty title="No trace of this time is like that" />;
  return (
    <Empty
      title="No traces in this time"
      command={`OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=${window.location.origin}/v1/traces OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20$OSTINATO_TOKEN" python app.py`}
    >
      Any program that speaks OpenTelemetry sends its traces here, and so does @mlflow.trace.
    </Empty>
  );
}
