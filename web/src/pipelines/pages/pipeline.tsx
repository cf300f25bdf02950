import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Play } from "lucide-react";
import { useMemo } from "react";
import type { Schema } from "../../kernel/api/types";
import { useProject } from "../../kernel/project";
import { useMay } from "../../kernel/session";
import { choice, flag, useParam, useUrlState } from "../../kernel/url";
import { useVerbs } from "../../kernel/verbs";
import { Button } from "../../ui/button";
import { Section } from "../../ui/card";
import { Loaded } from "../../ui/loaded";
import { Page } from "../../ui/page";
import { Status } from "../../ui/status";
import { Table } from "../../ui/table";
import { Executions } from "../parts/executions";
import { Schedules } from "../parts/schedules";
import { StartDialog } from "../parts/start-dialog";
import { Strip } from "../parts/strip";
import { Triggers } from "../parts/triggers";
import { Words } from "../parts/words";
import { executionsQuery, pipelineQuery } from "../queries";
import { ofExecution, STATES } from "../states";
import { calledBy } from "../verbs";
import "../pipelines.css";

const FIELDS = { state: choice(...STATES), start: flag() };

/** How does it run, what starts it, and start it. */
export function PipelinePage() {
  const name = useParam("pipeline");
  const project = useProject();
  const may = useMay("pipeline:write");
  const [{ state, start }, set] = useUrlState(FIELDS);
  const query = useQuery(pipelineQuery(name));
  const { data: latest } = useInfiniteQuery(executionsQuery(name, undefined));
  const enabled = !may ? "needs pipeline:write" : (query.data?.problem ?? "") || true;
  useVerbs(
    useMemo(() => [{ label: `Start ${name}…`, run: () => set({ start: true }), enabled }], [name, set, enabled]),
  );
  const last = query.data?.pipeline.recent[0];
  return (
    <Page
      title={name}
      heading={
        <>
          {name} {last && <Status {...ofExecution(last.state)} badge />}
        </>
      }
      lead={query.data?.pipeline.summary && <Words of={query.data.pipeline.summary} />}
      crumbs={[{ text: "Pipelines", to: `/${project}/pipelines` }]}
      actions={
        may && (
          <Button
            kind="primary"
            icon={<Play aria-hidden />}
            disabled={enabled !== true}
            title={enabled === true ? undefined : enabled}
            onClick={() => set({ start: true })}
          >
            Start…
          </Button>
        )
      }
    >
      <Loaded query={query}>
        {(page) => (
          <div className="pipelines-columns">
            <div className="stack">
              {page.pipeline.recent.length > 1 && <Strip recent={page.pipeline.recent} height={72} scale />}
              <Executions
                pipeline={name}
                state={state}
                onState={(next) => set({ state: next })}
                command={commands(page).start}
              />
            </div>
            <div className="stack">
              {page.problem && (
                <p className="pipelines-problem">
                  <Status kind="info" word="Not started by hand" /> {page.problem}.
                </p>
              )}
              <Schedules page={page} may={may} command={commands(page).schedule} />
              <Triggers page={page} may={may} command={commands(page).trigger} />
              <Takes page={page} />
            </div>
            {start && enabled === true && latest && (
              <StartDialog
                page={page}
                given={latest.pages[0]?.items[0]?.parameters}
                onClose={() => set({ start: false })}
              />
            )}
          </div>
        )}
      </Loaded>
    </Page>
  );
}

function Takes({ page: { parameters, pipeline } }: { page: Schema<"PipelinePage"> }) {
  return (
    <Section title="Parameters" note={<code>{pipeline.target}</code>}>
      <Table
        label="Parameters"
        columns={[
          { head: "Parameter", cell: ({ name }) => <code>{name}</code> },
          { head: "Type", cell: ({ type }) => <code>{type || "any"}</code>, grow: true },
          {
            head: "Default",
            cell: (taken) => (taken.required ? <span className="muted">required</span> : <code>{taken.default}</code>),
          },
        ]}
        rows={parameters}
        rowKey={({ name }) => name}
        empty={pipeline.recent.length > 0 ? "No parameters are known." : "No parameters."}
      />
    </Section>
  );
}

/** What one types for what is not there yet. */
function commands({ pipeline, parameters }: Schema<"PipelinePage">) {
  const name = calledBy(pipeline);
  const given = parameters.filter(({ required }) => required).map((taken) => `"${taken.name}": …`);
  return {
    start: `ostinato pipelines start --pipeline ${name} --parameters '{${given.join(", ")}}'`,
    schedule: `ostinato pipelines schedule nightly --pipeline ${name} --cron "0 6 * * *"`,
    trigger: `ostinato pipelines trigger fresh --on dataset.delivered --pipeline ${name}`,
  };
}
