import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import type { Schema } from "../../kernel/api/types";
import { full } from "../../kernel/number";
import { useProject } from "../../kernel/project";
import { format, href, parse } from "../../kernel/ref";
import { date, exact, useNow } from "../../kernel/time";
import { query, type RawSearch, useAt, useParam, useUrlState } from "../../kernel/url";
import { useVerbs } from "../../kernel/verbs";
import { Button, LinkButton } from "../../ui/button";
import { Section } from "../../ui/card";
import { Empty } from "../../ui/empty";
import { ErrorBox } from "../../ui/error-box";
import { Graph } from "../../ui/graph/graph";
import { narrow } from "../../ui/graph/narrow";
import { shortId } from "../../ui/id";
import { Page } from "../../ui/page";
import { Skeleton } from "../../ui/skeleton";
import { Segments } from "../../ui/tabs";
import { LEDGER, LINEAGE } from "../fields";
import { gathered } from "../gathered";
import { Comments } from "../parts/comments";
import { Edges } from "../parts/edges";
import { lineageQuery } from "../queries";
import "../ledger.css";

const HOPS = ["1", "2", "3", "4"] as const;
/** About what a node adds to the height of a picture that is broader than high. */
const ROW_PX = 20;
const EDGES_SHOWN = 20;

/** From what was it made, and what was made from it? */
export function LineagePage() {
  const ref = useParam("ref");
  const project = useProject();
  const focus = parse(ref);
  const crumbs = [{ text: "Ledger", to: `/${project}/ledger` }];
  if (!focus) {
    return (
      <Page title="Lineage" crumbs={crumbs}>
        <Empty title={`“${ref}” names nothing`}>Write kind:name, such as model:late or dataset:flights@3.</Empty>
      </Page>
    );
  }
  const name = format(focus);
  const place = href(project, focus);
  const actions = (
    <>
      {!place.includes("/lineage/") && <LinkButton to={place}>Open its page</LinkButton>}
      <LinkButton to={`/${project}/ledger${query(LEDGER, { ref: name })}`}>Its events</LinkButton>
    </>
  );
  const title = `${focus.kind} ${shortId(focus.name)}${focus.at ? `@${shortId(focus.at)}` : ""}`;
  return (
    <Page title={`Lineage of ${title}`} crumbs={crumbs} actions={actions}>
      <Lineage key={name} focus={name} />
    </Page>
  );
}

type Edge = Schema<"ostinato.ledger.types.Edge">;

function Lineage({ focus }: { focus: string }) {
  const [{ direction, hops, open: opened }, set] = useUrlState(LINEAGE);
  const [at, setAt] = useAt();
  const project = useProject();
  const navigate = useNavigate();
  const { edges, pending, error, truncated } = useLineage(focus, direction, hops, at);
  const graph = useMemo(() => gathered(graphOf(focus, edges), focus, opened), [focus, edges, opened]);
  const near = useMemo(() => narrow(graph, focus, hops).nodes, [graph, focus, hops]);
  const shown = useMemo(() => {
    const seen = new Set(near.flatMap(({ id }) => graph.members.get(id) ?? []));
    return edges.filter(({ source, target }) => seen.has(source) && seen.has(target));
  }, [graph, near, edges]);
  const made = edges.find(({ target }) => target === focus)?.at;
  const open = (id: string) => {
    const members = graph.members.get(id) ?? [];
    if (members.length > 1) set({ open: [...opened, id] });
    else if (id !== focus)
      void navigate({
        to: `/${project}/lineage/${encodeURIComponent(id)}`,
        search: (old: RawSearch) => ({ ...old, open: undefined }),
      } as never);
    else void navigate({ to: href(project, id) });
  };
  useVerbs(
    useMemo(
      () => [
        {
          label: "Lineage: one more step",
          run: () => set({ hops: Math.min(4, hops + 1) }),
          enabled: hops < 4 || "4 steps are the most",
        },
        { label: "Lineage as of its creation", run: () => setAt(made), enabled: made ? true : "nothing says when" },
      ],
      [hops, made, set, setAt],
    ),
  );
  if (error) return <ErrorBox error={error} />;
  return (
    <div className="stack">
      <Controls made={made} />
      {pending ? (
        <Skeleton height={440} />
      ) : (
        <>
          {graph.edges.length === 0 ? (
            <Empty title="No lineage">
              {at ? `as of ${exact(at)}` : "No event names it as an input or an output."}
            </Empty>
          ) : (
            <Graph
              nodes={graph.nodes}
              edges={graph.edges}
              label={`Lineage of ${focus}`}
              focus={focus}
              hops={hops}
              height={Math.min(600, Math.max(280, near.length * ROW_PX))}
              onOpen={open}
            />
          )}
          {truncated && (
            <p className="ledger-note">More is linked than is shown: choose more steps, or select a node.</p>
          )}
          <Acts edges={shown} />
          <Comments about={focus} />
        </>
      )}
    </div>
  );
}

/** Which way, how far, as of when; and everything folded again. */
function Controls({ made }: { made: string | undefined }) {
  const [{ direction, hops, open }, set] = useUrlState(LINEAGE);
  const [at, setAt] = useAt();
  return (
    <div className="ledger-controls">
      <Segments
        label="Direction"
        items={[
          { value: "both", text: "Both" },
          { value: "up", text: "Upstream" },
          { value: "down", text: "Downstream" },
        ]}
        value={direction}
        onChange={(next) => set({ direction: next })}
      />
      <Segments
        label="Steps"
        items={HOPS.map((value) => ({ value, text: value === "1" ? "1 step" : value }))}
        value={String(hops) as (typeof HOPS)[number]}
        onChange={(next) => set({ hops: Number(next) })}
      />
      <AsOf at={at} made={made} onChange={setAt} />
      {open.length > 0 && (
        <Button small kind="quiet" onClick={() => set({ open: [] })}>
          Collapse groups
        </Button>
      )}
    </div>
  );
}

function Acts({ edges }: { edges: readonly Edge[] }) {
  const [all, setAll] = useState(false);
  const newest = useMemo(() => [...edges].sort((a, b) => b.seq - a.seq), [edges]);
  if (edges.length === 0) return null;
  return (
    <Section title="Events behind the edges" note={full(edges.length)}>
      <Edges edges={all ? newest : newest.slice(0, EDGES_SHOWN)} />
      {!all && edges.length > EDGES_SHOWN && (
        <div>
          <Button small onClick={() => setAll(true)}>
            Show all {full(edges.length)}
          </Button>
        </div>
      )}
    </Section>
  );
}

interface AsOfProps {
  at: string | undefined;
  made: string | undefined;
  onChange: (at: string | undefined) => void;
}

/** The instant as of which the ledger is read: later acts are left out. */
function AsOf({ at, made, onChange }: AsOfProps) {
  const now = useNow();
  return (
    <span className="row">
      <label className="ledger-date">
        As of
        <input
          type="date"
          value={at?.slice(0, 10) ?? ""}
          max={date(now)}
          onChange={(event) => onChange(event.target.value ? `${event.target.value}T23:59:59Z` : undefined)}
        />
      </label>
      {made && at !== made && (
        <Button small kind="quiet" title={exact(made)} onClick={() => onChange(made)}>
          At its creation
        </Button>
      )}
      {at && (
        <Button small kind="quiet" onClick={() => onChange(undefined)}>
          Now
        </Button>
      )}
    </span>
  );
}

/** Asked one step farther than is shown, so that a node at the border knows how much lies beyond. */
function useLineage(ref: string, direction: "both" | "up" | "down", hops: number, at: string | undefined) {
  const up = useQuery({ ...lineageQuery(ref, "up", hops + 1, at), enabled: direction !== "down" });
  const down = useQuery({ ...lineageQuery(ref, "down", hops + 1, at), enabled: direction !== "up" });
  const [above, below] = [direction !== "down" ? up.data : undefined, direction !== "up" ? down.data : undefined];
  const edges = useMemo(
    () => [
      ...new Map(
        [...(above?.edges ?? []), ...(below?.edges ?? [])].map((edge) => [
          `${edge.seq} ${edge.source} ${edge.target}`,
          edge,
        ]),
      ).values(),
    ],
    [above, below],
  );
  const asked = [...(direction !== "down" ? [up] : []), ...(direction !== "up" ? [down] : [])];
  return {
    edges,
    pending: asked.some(({ isPending }) => isPending),
    error: asked.find(({ error }) => error)?.error,
    truncated: Boolean(above?.truncated || below?.truncated),
  };
}

function graphOf(focus: string, edges: readonly Edge[]) {
  const ids = [...new Set([focus, ...edges.flatMap(({ source, target }) => [source, target])])];
  const nodes = ids.map((id) => {
    const ref = parse(id);
    const label = ref ? shortId(ref.name) : id;
    return { id, kind: ref?.kind ?? "", label: ref?.at ? `${label}@${shortId(ref.at)}` : label };
  });
  return { nodes, edges: edges.map(({ source, target }) => [source, target] as const) };
}
