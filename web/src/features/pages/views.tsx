import { useQuery } from "@tanstack/react-query";
import type { Schema } from "../../kernel/api/types";
import type { Column } from "../../ui/data-table/columns";
import { Empty } from "../../ui/empty";
import { Listing } from "../../ui/listing";
import { Loaded as Ready } from "../../ui/loaded";
import { Page } from "../../ui/page";
import { RefLink } from "../../ui/ref-link";
import { Status } from "../../ui/status";
import { Age, Loaded } from "../parts/age";
import { viewsQuery } from "../queries";
import "../features.css";

type State = Schema<"ViewState">;

const COLUMNS: readonly Column<State>[] = [
  {
    id: "name",
    head: "View",
    width: 128,
    cell: ({ view }) => <RefLink to={`feature:${view.name}`} bare />,
    sort: ({ view }) => view.name,
  },
  {
    id: "age",
    head: "Newest event",
    width: 184,
    cell: ({ freshness }) => <Age freshness={freshness} />,
    sort: ({ freshness }) => freshness.age_hours,
  },
  {
    id: "loaded",
    head: "Online store",
    width: 160,
    cell: (state) => <Loaded state={state} />,
    sort: ({ loaded, latest }) => (latest ?? 0) - (loaded ?? 0),
  },
  {
    id: "dataset",
    head: "Loaded",
    width: 128,
    cell: ({ view, loaded }) => (
      <RefLink to={loaded === null ? `dataset:${view.dataset}` : `dataset:${view.dataset}@${loaded}`} bare />
    ),
    sort: ({ view }) => view.dataset,
  },
  {
    id: "entity",
    head: "Entity key",
    width: 152,
    cell: ({ view }) => <span>{view.entity.join(", ")}</span>,
    sort: ({ view }) => view.entity.join(),
  },
  {
    id: "features",
    head: "Features",
    width: 240,
    grow: true,
    cell: ({ view }) => {
      const names = view.features.map(({ name }) => name).join(", ");
      return (
        <span className="muted" title={names}>
          {names}
        </span>
      );
    },
    sort: ({ view }) => view.features.length,
  },
];

/** Are the features fresh? */
export function ViewsPage() {
  const views = useQuery(viewsQuery);
  return (
    <Page
      title="Features"
      lead={
        views.data &&
        views.data.length > 0 && (
          <span className="views-verdict">
            <Verdict states={views.data} />
          </span>
        )
      }
    >
      <Ready
        query={views}
        empty={
          <Empty title="No feature views yet" command="ostinato features define --view @VIEW.json">
            A view turns the rows of a dataset into events of an entity, and computes numbers from them as of any
            instant.
          </Empty>
        }
      >
        {(all) => <Views states={all} />}
      </Ready>
    </Page>
  );
}

function Verdict({ states }: { states: readonly State[] }) {
  const stale = states.filter(({ freshness }) => freshness.fresh === false).map(({ view }) => view.name);
  const behind = states
    .filter(({ loaded, latest }) => latest !== null && loaded !== latest)
    .map(({ view }) => view.name);
  if (stale.length) return <Status kind="bad" word={`Older than promised: ${stale.join(", ")}.`} />;
  if (behind.length) return <Status kind="warn" word={`Not loaded to the newest version: ${behind.join(", ")}.`} />;
  return <Status kind="ok" word="Every view holds the newest version of its dataset." />;
}

function Views({ states }: { states: readonly State[] }) {
  return (
    <Listing
      label="Feature views"
      filterLabel="Filter views"
      columns={COLUMNS}
      rows={states}
      name={({ view }) => view.name}
      place="features"
      words={({ view }) => [view.name, view.dataset, ...view.entity, ...view.features.map(({ name }) => name)]}
      card={(state) => (
        <>
          <RefLink to={`feature:${state.view.name}`} bare />
          <Loaded state={state} />
          <span className="muted">of each {state.view.entity.join(", ")}</span>
          <Age freshness={state.freshness} />
        </>
      )}
      none={(filter) => `No view has “${filter}” in its name, entity, dataset or features`}
    />
  );
}
