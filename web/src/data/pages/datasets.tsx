import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import type { Schema } from "../../kernel/api/types";
import { useProject } from "../../kernel/project";
import { exact } from "../../kernel/time";
import { text, useUrlState } from "../../kernel/url";
import type { Column } from "../../ui/data-table/columns";
import { DataTable } from "../../ui/data-table/data-table";
import { Empty } from "../../ui/empty";
import { FilterBar } from "../../ui/filter-bar";
import { Loaded } from "../../ui/loaded";
import { Num } from "../../ui/num";
import { Page } from "../../ui/page";
import { RefLink } from "../../ui/ref-link";
import { useWidth } from "../../ui/size";
import { Status } from "../../ui/status";
import { Freshness } from "../parts/freshness";
import { Marks } from "../parts/marks";
import { statesQuery } from "../queries";
import { lastResult, verdict, worstFirst } from "../verdict";
import "../data.css";

type State = Schema<"DatasetState">;
const NARROW = 640;
const FIELDS = { sort: text(), filter: text() };

const COLUMNS: readonly Column<State>[] = [
  {
    id: "name",
    head: "Dataset",
    width: 120,
    cell: ({ dataset }) => <RefLink to={`dataset:${dataset.name}`} bare />,
    sort: ({ dataset }) => dataset.name,
  },
  {
    id: "fresh",
    head: "Freshness",
    width: 212,
    cell: (state) => <Freshness state={state} />,
    sort: ({ age_hours, promise_hours }) => (age_hours === null ? null : age_hours / (promise_hours ?? 1e9)),
  },
  {
    id: "last",
    head: "Last delivery",
    width: 276,
    cell: (state) => <Last state={state} />,
    sort: ({ last }) => last?.state ?? "",
  },
  { id: "recent", head: "Recent deliveries", width: 164, cell: (state) => <Recent state={state} /> },
  {
    id: "waiting",
    head: "In quarantine",
    width: 104,
    align: "end",
    cell: ({ waiting }) => (waiting ? <Status kind="bad" word={String(waiting)} /> : <span className="muted">0</span>),
    sort: ({ waiting }) => waiting,
  },
  {
    id: "rows",
    head: "Rows",
    width: 72,
    align: "end",
    cell: ({ version }) => <Num value={version?.rows} />,
    sort: ({ version }) => version?.rows ?? null,
  },
  {
    id: "version",
    head: "Version",
    width: 72,
    align: "end",
    cell: ({ dataset, version }) =>
      version ? (
        <RefLink to={`dataset:${dataset.name}@${version.version}`}>{version.version}</RefLink>
      ) : (
        <Num value={null} />
      ),
    sort: ({ version }) => version?.version ?? null,
  },
  {
    id: "description",
    head: "What it holds",
    width: 150,
    grow: true,
    cell: ({ dataset }) => (
      <span className="muted" title={dataset.description}>
        {dataset.description}
      </span>
    ),
  },
];

/** Can I trust today's data? */
export function DatasetsPage() {
  const states = useQuery(statesQuery);
  const verdictOfAll = states.data?.length ? verdict(states.data) : undefined;
  return (
    <Page
      title="Data"
      lead={
        verdictOfAll && (
          <span className="datasets-verdict">
            <Status kind={verdictOfAll.kind} word={verdictOfAll.text} />
          </span>
        )
      }
    >
      <Loaded
        query={states}
        empty={
          <Empty title="No datasets yet" command={`ostinato datasets create --name NAME --contract '{"key": []}'`}>
            A dataset is a table that grows by deliveries, each measured against its contract.
          </Empty>
        }
      >
        {(all) => <Datasets states={all} />}
      </Loaded>
    </Page>
  );
}

function Datasets({ states }: { states: readonly State[] }) {
  const [{ sort, filter }, set] = useUrlState(FIELDS);
  const project = useProject();
  const navigate = useNavigate();
  const wanted = filter.toLowerCase();
  const shown = worstFirst(states).filter(({ dataset }) =>
    `${dataset.name} ${dataset.description} ${dataset.owner}`.toLowerCase().includes(wanted),
  );
  const [frame, width] = useWidth();
  return (
    <div className="datasets-list" ref={frame}>
      <FilterBar
        label="Filter datasets"
        value={filter}
        onChange={(next) => set({ filter: next })}
        note={`${shown.length} of ${states.length}`}
      />
      {width > 0 && width < NARROW && <Cards states={shown} />}
      {width >= NARROW && (
        <DataTable
          label="Datasets"
          columns={COLUMNS}
          rows={shown}
          rowKey={({ dataset }) => dataset.name}
          sort={sort || undefined}
          onSort={(next) => set({ sort: next ?? "" })}
          onOpen={({ dataset }) => void navigate({ to: `/${project}/data/${encodeURIComponent(dataset.name)}` })}
          empty={<Empty title={`No dataset has “${filter}” in its name, owner or description`} />}
        />
      )}
    </div>
  );
}

/** The same where a table has no room. */
function Cards({ states }: { states: readonly State[] }) {
  return (
    <ul className="datasets-cards">
      {states.map((state) => (
        <li key={state.dataset.name}>
          <RefLink to={`dataset:${state.dataset.name}`} bare />
          <Recent state={state} />
          <Freshness state={state} />
          <Last state={state} />
        </li>
      ))}
    </ul>
  );
}

function Last({ state }: { state: State }) {
  const { kind, word, detail } = lastResult(state);
  return (
    <span title={state.last ? `${state.last.key}, ${exact(state.last.delivered_at)}` : undefined}>
      <Status kind={kind} word={word} /> <span className="muted">· {detail}</span>
    </span>
  );
}

function Recent({ state: { recent, dataset } }: { state: State }) {
  const refused = recent.filter(({ state }) => state === "quarantined").length;
  const marks = recent.map(({ key, attempt, state, delivered_at }) => ({
    key: `${key} ${attempt}`,
    bad: state === "quarantined",
    title: `${key}, attempt ${attempt}: ${state}, ${exact(delivered_at)}`,
  }));
  return <Marks label={`Last deliveries to ${dataset.name}: ${refused} quarantined`} marks={marks} room={12} />;
}
