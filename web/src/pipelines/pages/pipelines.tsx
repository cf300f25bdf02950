import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import type { Schema } from "../../kernel/api/types";
import { count } from "../../kernel/number";
import { useProject } from "../../kernel/project";
import { href } from "../../kernel/ref";
import { duration, time } from "../../kernel/time";
import { text, useUrlState } from "../../kernel/url";
import { LinkButton } from "../../ui/button";
import type { Column } from "../../ui/data-table/columns";
import { DataTable } from "../../ui/data-table/data-table";
import { Empty } from "../../ui/empty";
import { FilterBar } from "../../ui/filter-bar";
import { Loaded } from "../../ui/loaded";
import { Page } from "../../ui/page";
import { RefLink } from "../../ui/ref-link";
import { Status } from "../../ui/status";
import { Time } from "../../ui/time";
import { Strip } from "../parts/strip";
import { Words } from "../parts/words";
import { overviewQuery } from "../queries";
import { ofExecution } from "../states";
import "../pipelines.css";

type Summary = Schema<"PipelineSummary">;

const FIELDS = { filter: text(), sort: text("name") };

/** Does every pipeline run, and when is the next time? */
export function PipelinesPage() {
  const overview = useQuery(overviewQuery);
  const project = useProject();
  const navigate = useNavigate();
  const [{ filter, sort }, set] = useUrlState(FIELDS);
  return (
    <Page
      title="Pipelines"
      lead={overview.data && verdict(overview.data)}
      actions={<LinkButton to={`/${project}/executions`}>All executions</LinkButton>}
    >
      <Loaded query={overview} empty={NONE}>
        {(all) => {
          const shown = all.filter((one) => matches(one, filter));
          return (
            <div className="stack pipelines-list">
              {all.length > FEW && (
                <FilterBar
                  label="Filter pipelines"
                  value={filter}
                  onChange={(next) => set({ filter: next })}
                  note={`${shown.length} of ${all.length}`}
                />
              )}
              <DataTable
                label="Pipelines"
                columns={COLUMNS}
                rows={shown}
                rowKey={({ name }) => name}
                sort={sort}
                hidden={all.some(({ next_at }) => next_at !== null) ? EVERY : NO_NEXT}
                onSort={(next) => set({ sort: next ?? "name" })}
                onOpen={({ name }) => void navigate({ to: href(project, `pipeline:${name}`) })}
                empty={<Empty title="No pipeline is called like that" />}
              />
            </div>
          );
        }}
      </Loaded>
    </Page>
  );
}

const FEW = 8;
const EVERY: readonly string[] = [];
const NO_NEXT: readonly string[] = ["next"];
const NONE = (
  <Empty title="No pipelines yet" command="ostinato pipelines register daily --target flows:daily">
    A pipeline is a plain function whose body calls steps. Name its module in OSTINATO_PIPELINES, then register it.
  </Empty>
);

const COLUMNS: readonly Column<Summary>[] = [
  {
    id: "name",
    head: "Pipeline",
    width: 168,
    sort: ({ name }) => name,
    cell: ({ name }) => <RefLink to={`pipeline:${name}`} bare />,
  },
  {
    id: "state",
    head: "Last",
    width: 120,
    sort: ({ recent: [last] }) => last?.state ?? "",
    cell: ({ recent: [last] }) =>
      last ? <Status {...ofExecution(last.state)} /> : <Status kind="idle" word="Never ran" />,
  },
  {
    id: "started",
    head: "Started",
    width: 104,
    sort: ({ recent: [last] }) => (last ? time(last.created_at) : null),
    cell: ({ recent: [last] }) => <Time at={last?.created_at} />,
  },
  {
    id: "took",
    head: "Duration",
    width: 96,
    minor: true,
    align: "end",
    sort: ({ recent: [last] }) => last?.wall_s ?? null,
    cell: ({ recent: [last] }) => (last?.wall_s == null ? "–" : duration(last.wall_s * 1000)),
  },
  {
    id: "recent",
    head: "Last 20",
    width: 208,
    minor: true,
    cell: ({ recent }) => <Strip recent={recent} />,
  },
  {
    id: "next",
    head: "Next",
    width: 104,
    minor: true,
    sort: ({ next_at }) => (next_at ? time(next_at) : null),
    cell: ({ next_at }) => <Time at={next_at} />,
  },
  {
    id: "what",
    head: "Description",
    width: 200,
    minor: true,
    grow: true,
    cell: ({ summary, target }) =>
      summary ? (
        <span title={summary}>
          <Words of={summary} />
        </span>
      ) : (
        <code className="pipelines-target">{target}</code>
      ),
  },
];

function matches({ name, summary, target }: Summary, filter: string): boolean {
  return `${name} ${summary} ${target}`.toLowerCase().includes(filter.toLowerCase());
}

function verdict(all: readonly Summary[]): string | undefined {
  if (all.length === 0) return undefined;
  const failed = all.filter(({ recent: [last] }) => last?.state === "failed").map(({ name }) => name);
  const running = all.flatMap(({ recent }) => recent).filter(({ state }) => state === "running").length;
  const ended = failed.length === 0 ? "none failed when it last ran" : `${failed.join(", ")} failed when last run`;
  return `${count(all.length, "pipeline")}, ${ended}${running ? `; ${count(running, "execution")} running now` : ""}.`;
}
