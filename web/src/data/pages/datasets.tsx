import { useQuery } from "@tanstack/react-query";
import type { Schema } from "../../kernel/api/types";
import { exact } from "../../kernel/time";
import type { Column } from "../../ui/data-table/columns";
import { Empty } from "../../ui/empty";
import { Listing } from "../../ui/listing";
import { Loaded } from "../../ui/loaded";
import { Num } from "../../ui/num";
import { Page } from "../../ui/page";
import { RefLink } from "../../ui/ref-link";
import { Status, Tag } from "../../ui/status";
import { Freshness } from "../parts/freshness";
import { Marks } from "../parts/marks";
import { statesQuery } from "../queries";
import { lastResult, verdict, worstFirst } from "../verdict";
import "../data.css";

type State = Schema<"DatasetState">;

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
    width: 200,
    cell: (state) => <Freshness state={state} />,
    sort: ({ age_hours, promise_hours }) => (age_hours === null ? null : age_hours / (promise_hours ?? 1e9)),
  },
  {
    id: "last",
    head: "Last delivery",
    width: 236,
    cell: (state) => <Last state={state} />,
    sort: ({ last }) => last?.state ?? "",
  },
  { id: "recent", head: "Recent deliveries", width: 152, align: "end", cell: (state) => <Recent state={state} /> },
  {
    id: "waiting",
    head: "In quarantine",
    width: 112,
    align: "end",
    cell: ({ waiting }) => (waiting ? <Status kind="bad" word={String(waiting)} /> : <span className="muted">0</span>),
    sort: ({ waiting }) => waiting,
  },
  {
    id: "rows",
    head: "Rows",
    width: 64,
    align: "end",
    cell: ({ version }) => <Num value={version?.rows} />,
    sort: ({ version }) => version?.rows ?? null,
  },
  {
    id: "version",
    head: "Version",
    width: 76,
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
    head: "Description",
    width: 150,
    grow: true,
    cell: ({ dataset }) => (
      <span className="muted" title={dataset.description}>
        <Tagged tags={dataset.tags} /> {dataset.description}
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
  return (
    <Listing
      label="Datasets"
      filterLabel="Filter datasets"
      columns={COLUMNS}
      rows={worstFirst(states)}
      name={({ dataset }) => dataset.name}
      place="data"
      words={({ dataset }) => [`${dataset.name} ${dataset.description} ${dataset.owner} ${dataset.tags?.join(" ")}`]}
      card={(state) => (
        <>
          <RefLink to={`dataset:${state.dataset.name}`} bare />
          <Recent state={state} />
          {state.dataset.tags?.length ? (
            <div className="datasets-line">
              <Tagged tags={state.dataset.tags} />
            </div>
          ) : null}
          <div className="datasets-line">
            <Freshness state={state} />
          </div>
          <div className="datasets-line">
            <Last state={state} />
          </div>
        </>
      )}
      none={(filter) => `No dataset has “${filter}” in its name, tags, owner or description`}
    />
  );
}

function Tagged({ tags = [] }: { tags?: readonly string[] | undefined }) {
  return tags.map((tag) => <Tag key={tag} text={tag} />);
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
