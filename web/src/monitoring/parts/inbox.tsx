import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useCallback, useMemo, useState } from "react";
import { useMay } from "../../kernel/session";
import { useUrlState } from "../../kernel/url";
import { useVerbs } from "../../kernel/verbs";
import { Button } from "../../ui/button";
import { Empty } from "../../ui/empty";
import { Loaded } from "../../ui/loaded";
import { Skeleton } from "../../ui/skeleton";
import { useAcknowledge } from "../acknowledge";
import { filtersOf, INBOX, type InboxState } from "../filters";
import { grouped } from "../groups";
import { type Finding, findingPagesQuery, findingQuery } from "../queries";
import { FindingList } from "./finding-list";
import { FindingPane } from "./finding-pane";
import { InboxFilters } from "./inbox-filters";
import { useInboxKeys } from "./inbox-keys";
import { MAY_NOT } from "./verbs";

/** Findings in a list, and the one that is open beside it. */
export function Inbox() {
  const [view, set] = useUrlState(INBOX);
  const pages = useInfiniteQuery(findingPagesQuery(filtersOf(view)));
  const findings = useMemo(() => grouped(pages.data?.pages.flatMap(({ items }) => items) ?? []), [pages.data]);
  const order = useMemo(() => findings.flatMap((group) => group.findings), [findings]);
  const [ticked, setTicked] = useState<ReadonlySet<string>>(new Set());
  const open = view.finding || order[0]?.id || "";
  const choose = useCallback((finding: string) => set({ finding }), [set]);
  const acknowledge = useAcknowledge();
  const opened = useOpened(open, order);
  const picked = order.filter(({ id }) => ticked.has(id));
  const acknowledgeAll = async () => {
    if (await acknowledge(picked)) setTicked(new Set());
  };
  const asked = opened.data;
  const take = useCallback(() => asked && void acknowledge([asked]), [acknowledge, asked]);
  useInboxVerbs(asked, take);
  const toggle = (id: string) => setTicked((before) => flipped(before, id));
  useInboxKeys({ order, open, choose, toggle, take });
  return (
    <>
      <InboxFilters view={view} set={set} counts={pages.data?.pages[0]?.counts} />
      <Loaded
        query={pages}
        skeleton={<Skeleton height={480} />}
        isEmpty={() => order.length === 0 && !view.finding}
        empty={<NothingFound view={view} />}
      >
        {() => (
          <div className="inbox" data-chosen={view.finding ? true : undefined}>
            <div className="inbox-list">
              {picked.length > 0 && (
                <div className="inbox-picked">
                  <Button
                    kind="primary"
                    small
                    onClick={acknowledgeAll}
                  >{`Acknowledge ${picked.length} selected…`}</Button>
                  <Button kind="quiet" small onClick={() => setTicked(new Set())}>
                    Untick
                  </Button>
                </div>
              )}
              <FindingList groups={findings} open={open} ticked={ticked} onTick={setTicked} view={view} />
              {order.length === 0 && <p className="muted">No other finding is {view.state}.</p>}
              {pages.hasNextPage && (
                <Button busy={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
                  Show more
                </Button>
              )}
            </div>
            <div className="inbox-pane">
              <button type="button" className="inbox-back" onClick={() => set({ finding: "" })}>
                ← All findings
              </button>
              <Loaded query={opened} skeleton={<Skeleton height={420} />}>
                {(finding) => <FindingPane key={finding.id} finding={finding} onAcknowledge={take} />}
              </Loaded>
            </div>
          </div>
        )}
      </Loaded>
    </>
  );
}

/** The open finding: what the list has of it until it has come by itself. */
function useOpened(open: string, order: readonly Finding[]) {
  const known = order.find(({ id }) => id === open);
  const query = useQuery({ ...findingQuery(open), enabled: open !== "" });
  return query.data === undefined && known ? { ...query, data: known } : query;
}

function useInboxVerbs(finding: Finding | undefined, take: () => void) {
  const may = useMay("monitor:write");
  useVerbs(
    useMemo(() => {
      if (!finding) return [];
      const enabled = !may ? MAY_NOT : finding.state === "acknowledged" ? "it is acknowledged" : true;
      return [{ label: `Acknowledge ${finding.measurement.feature}`, run: take, enabled }];
    }, [finding, may, take]),
  );
}

function flipped(before: ReadonlySet<string>, id: string): ReadonlySet<string> {
  const next = new Set(before);
  if (!next.delete(id)) next.add(id);
  return next;
}

function NothingFound({ view }: { view: InboxState }) {
  const narrowed =
    [view.endpoint, view.monitor, view.window].some(Boolean) || view.severity !== "any" || view.kind !== "any";
  if (narrowed) return <Empty title="No finding matches">Remove a filter, or choose another state.</Empty>;
  if (view.state === "open")
    return <Empty title="No open findings">Nothing beyond its tolerance is left unacknowledged.</Empty>;
  return <Empty title={view.state === "all" ? "No findings yet" : `No finding is ${view.state}`} />;
}
