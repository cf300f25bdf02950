import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useProject } from "../../kernel/project";
import { choice, list, query, text, useParam, useUrlState } from "../../kernel/url";
import { Id } from "../../ui/id";
import { Loaded } from "../../ui/loaded";
import { Markdown } from "../../ui/markdown/markdown";
import { Page } from "../../ui/page";
import { Skeleton } from "../../ui/skeleton";
import { Status, Tag } from "../../ui/status";
import { Tabs } from "../../ui/tabs";
import { Time } from "../../ui/time";
import { isSystem } from "../parts/cells";
import { Children } from "../parts/children";
import { CURVE_FIELDS } from "../parts/curve-tools";
import { RUNS_FIELDS } from "../parts/fields";
import { Files } from "../parts/files";
import { LogFiles, logs } from "../parts/log-files";
import { Origin, World } from "../parts/origin";
import { Curves, Metrics, Parameters } from "../parts/results";
import { RunActs } from "../parts/run-acts";
import { Verdicts } from "../parts/run-head";
import { RunState } from "../parts/state";
import { zoomField } from "../parts/zoom";
import { type Metric, metricsQuery, type Story, storyQuery } from "../queries";
import "../tracking.css";

const FIELDS = {
  tab: choice("results", "parts", "files", "log", "code", "environment"),
  file: text(),
  axis: choice("step", "time"),
  zoom: zoomField(),
  sort: text("started_at"),
  ids: list(),
  ...CURVE_FIELDS,
};

/** How did it end, what did it measure, and can it be reproduced? */
export function RunPage() {
  const id = useParam("id");
  const project = useProject();
  const story = useQuery(storyQuery(id));
  const { run, parent } = story.data ?? {};
  const crumbs = [{ text: "Runs", to: `/${project}/runs` }];
  if (run) {
    const to = `/${project}/runs${query(RUNS_FIELDS, { experiment: run.experiment })}`;
    crumbs.push({ text: run.experiment, to });
  }
  if (parent) crumbs.push({ text: parent.name, to: `/${project}/runs/${parent.id}` });
  return (
    <Page
      title={run ? `${run.name} · run` : "Run"}
      heading={
        run ? (
          <>
            {run.name} <RunState state={run.state} badge />
          </>
        ) : (
          "Run"
        )
      }
      crumbs={crumbs}
      lead={run && <Lead run={run} />}
      actions={story.data && <RunActs run={story.data.run} />}
    >
      <Loaded query={story} skeleton={<Skeleton lines={10} />}>
        {(told) => <Whole story={told} />}
      </Loaded>
    </Page>
  );
}

function Lead({ run }: { run: Story["run"] }) {
  return (
    <span className="row">
      <Id value={run.id} what="run id" />
      <span>
        started <Time at={run.started_at} /> by {run.started_by.replace(/^\w+:/, "")}
      </span>
      {Object.entries(run.tags).map(([key, value]) => (
        <Tag key={key} text={`${key} ${value}`} />
      ))}
    </span>
  );
}

function Whole({ story }: { story: Story }) {
  const { run, artifacts, parts, environment } = story;
  const project = useProject();
  const [state, set] = useUrlState(FIELDS);
  const metrics = useQuery(metricsQuery(run.id, run.state === "running"));
  const count = Object.values(parts).reduce((sum, n) => sum + n, 0);
  const texts = logs(artifacts);
  const items = [
    { value: "results", text: "Results" },
    ...(count ? [{ value: "parts", text: "Child runs", note: count } as const] : []),
    { value: "files", text: "Files", ...(artifacts.length && { note: artifacts.length }) },
    ...(texts.length ? [{ value: "log", text: "Log" } as const] : []),
    { value: "code", text: "Code" },
    { value: "environment", text: "Environment" },
  ] as const;
  const tab = items.some(({ value }) => value === state.tab) ? state.tab : "results";
  return (
    <>
      {run.deleted_at && (
        <p className="run-deleted" role="note">
          <Status kind="warn" word="Deleted" /> <Time at={run.deleted_at} />: lists leave it out, and it takes no
          writes.
        </p>
      )}
      <Tabs label="About the run" items={items} value={tab} onChange={(next) => set({ tab: next })}>
        <div className="stack">
          {tab === "results" && (
            <>
              <Verdicts story={story} metrics={metrics.data ?? {}} />
              <Loaded query={metrics}>
                {(measured) => <Results run={run} metrics={measured} {...{ state, set }} />}
              </Loaded>
            </>
          )}
          {tab === "parts" && (
            <Children
              run={run.id}
              sort={state.sort}
              onSort={(sort) => set({ sort })}
              ids={state.ids}
              onIds={(ids) => set({ ids })}
            />
          )}
          {tab === "files" && (
            <Files {...{ project }} run={run.id} all={artifacts} open={state.file} onOpen={(file) => set({ file })} />
          )}
          {tab === "log" && <LogFiles run={run} all={texts} />}
          {tab === "code" && <Origin story={story} />}
          {tab === "environment" && <World environment={environment} />}
        </div>
      </Tabs>
    </>
  );
}

interface ResultsProps {
  run: Story["run"];
  metrics: Readonly<Record<string, Metric>>;
  state: ReturnType<typeof useUrlState<typeof FIELDS>>[0];
  set: ReturnType<typeof useUrlState<typeof FIELDS>>[1];
}

/** What it measured, and apart from that what it asked of its machine. */
function Results({ run, metrics, state, set }: ResultsProps) {
  const [own, system] = useMemo(() => apart(metrics), [metrics]);
  const drawn = {
    run: run.id,
    axis: state.axis,
    onAxis: (axis: typeof state.axis) => set({ axis, zoom: undefined }),
    zoom: state.zoom,
    onZoom: (zoom: typeof state.zoom) => set({ zoom }),
  };
  return (
    <>
      {run.note && <Markdown text={run.note} />}
      <Curves {...drawn} metrics={own} look={state} onLook={set} />
      <div className="run-tables">
        <Metrics metrics={own} />
        <Parameters run={run} />
      </div>
      <Curves {...drawn} title="System metrics" metrics={system} look={PLAIN} />
    </>
  );
}

const PLAIN = { find: "", smooth: 0, scale: "linear" } as const;

function apart(metrics: ResultsProps["metrics"]) {
  const entries = Object.entries(metrics);
  const of = (system: boolean) => Object.fromEntries(entries.filter(([key]) => isSystem(key) === system));
  return [of(false), of(true)] as const;
}
