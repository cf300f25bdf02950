import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { useMemo } from "react";
import { send } from "../../kernel/api/client";
import type { Schema } from "../../kernel/api/types";
import { full } from "../../kernel/number";
import { useProject } from "../../kernel/project";
import { useMay } from "../../kernel/session";
import { useParam } from "../../kernel/url";
import { useVerbs } from "../../kernel/verbs";
import { Button } from "../../ui/button";
import { Section } from "../../ui/card";
import { Empty } from "../../ui/empty";
import { Facts, Stats } from "../../ui/facts";
import { Loaded as Ready } from "../../ui/loaded";
import { Num } from "../../ui/num";
import { Page } from "../../ui/page";
import { RefLink } from "../../ui/ref-link";
import { Skeleton } from "../../ui/skeleton";
import { Status } from "../../ui/status";
import { Table } from "../../ui/table";
import { Time } from "../../ui/time";
import { toast } from "../../ui/toasts";
import { Loaded } from "../parts/age";
import { Values } from "../parts/values";
import { loadsQuery, viewQuery } from "../queries";
import { span } from "../words";
import "../features.css";

type State = Schema<"ViewState">;

/** Is it fresh, and what does it say for this key? */
export function ViewPage() {
  const name = useParam("view");
  const project = useProject();
  const state = useQuery(viewQuery(name));
  return (
    <Page
      title={name}
      lead={state.data && <Lead state={state.data} />}
      crumbs={[{ text: "Features", to: `/${project}/features` }]}
      actions={state.data && <Load state={state.data} />}
    >
      <Ready query={state} skeleton={<Skeleton lines={10} />}>
        {(told) => (
          <>
            <Standing state={told} />
            <Values state={told} />
            <Definition state={told} />
            <Loads view={name} />
          </>
        )}
      </Ready>
    </Page>
  );
}

function Lead({ state: { view } }: { state: State }) {
  return <>{view.description || `What ${view.dataset} says of each ${view.entity.join(" and ")}.`}</>;
}

function Load({ state: { view, loaded, latest } }: { state: State }) {
  const queries = useQueryClient();
  const may = useMay("feature:write");
  const load = useMutation({
    mutationFn: () => send("post", "/features/{view}/loads", { path: { view: view.name }, body: {} }),
    onSuccess: ({ version, new: added }) => {
      toast({ text: `${view.dataset}@${version} is loaded: ${full(added)} new events`, kind: "ok" });
      void queries.invalidateQueries({ queryKey: ["features"] });
    },
    onError: (error) => toast({ text: error.message, kind: "bad" }),
  });
  const why = !may
    ? "needs the permission feature:write"
    : loaded === latest
      ? "the newest version is loaded already"
      : undefined;
  const { mutate } = load;
  useVerbs(
    useMemo(
      () => [{ label: `Load ${view.dataset} into ${view.name}`, run: () => mutate(), enabled: why ?? true }],
      [view, why, mutate],
    ),
  );
  if (!may) return null;
  return (
    <Button
      icon={<Download size={14} />}
      busy={load.isPending}
      disabled={why !== undefined}
      title={why}
      onClick={() => mutate()}
    >
      Load {view.dataset}
      {latest !== null && `@${latest}`}
    </Button>
  );
}

function Standing({ state }: { state: State }) {
  const { freshness, view, loaded, loaded_at } = state;
  const { newest, age_hours, limit_hours, fresh } = freshness;
  return (
    <Stats
      items={[
        {
          label: "Freshness",
          value:
            newest === null ? (
              "no event"
            ) : fresh === null ? (
              <Time at={newest} />
            ) : (
              <Status kind={fresh ? "ok" : "bad"} word={fresh ? "Fresh" : "Stale"} />
            ),
          note:
            limit_hours === null || age_hours === null
              ? "the newest event; nothing is promised"
              : `newest event ${span(age_hours)} old, promised below ${span(limit_hours)}`,
        },
        {
          label: "Online store",
          value: <Loaded state={state} />,
          note:
            loaded === null ? (
              "nothing was loaded yet"
            ) : (
              <>
                <RefLink to={`dataset:${view.dataset}@${loaded}`} bare />, loaded <Time at={loaded_at} />
              </>
            ),
        },
        { label: "Features", value: view.features.length, note: `of each ${view.entity.join(", ")}` },
      ]}
    />
  );
}

function Definition({ state: { view, keys, defined_at, defined_by } }: { state: State }) {
  return (
    <Section title="Definition" note="a view never changes; a new meaning is a new view">
      <Facts
        items={[
          ["Dataset", <RefLink key="dataset" to={`dataset:${view.dataset}`} bare />],
          ["Entity", view.entity.map((column) => `${column} (${keys[column]})`).join(", ")],
          ["Timestamp", `${view.timestamp}: an event counts from this instant on`],
          ["Row id", view.row_id?.join(", ") || "the key of the dataset"],
          [
            "Defined",
            <>
              <Time at={defined_at} /> by <RefLink to={defined_by} bare />
            </>,
          ],
        ]}
      />
    </Section>
  );
}

function Loads({ view }: { view: string }) {
  const loads = useQuery(loadsQuery(view));
  return (
    <Section title="Loads" note={loads.data?.items.length}>
      <Ready
        query={loads}
        isEmpty={({ items }) => items.length === 0}
        empty={<Empty title="Nothing loaded yet" command={`ostinato features materialize ${view}`} />}
      >
        {({ items }) => (
          <Table
            label="Loads of the view"
            rows={items}
            rowKey={({ id }) => id}
            columns={[
              { head: "When", cell: ({ at }) => <Time at={at} /> },
              {
                head: "Version",
                cell: ({ inputs = [] }) => inputs.map((input) => <RefLink key={input} to={input} bare />),
              },
              { head: "New events", cell: ({ data }) => <Num value={data?.new as number} />, align: "end" },
              { head: "By", cell: ({ actor }) => <RefLink to={actor} bare /> },
              { head: "Event", cell: ({ id }) => <RefLink to={`event:${id}`} bare />, grow: true },
            ]}
          />
        )}
      </Ready>
    </Section>
  );
}
