import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { type KeyboardEvent, useEffect, useMemo, useRef } from "react";
import { date } from "../../kernel/time";
import { useUrlState } from "../../kernel/url";
import { Button } from "../../ui/button";
import { Empty } from "../../ui/empty";
import { Loaded } from "../../ui/loaded";
import { Skeleton } from "../../ui/skeleton";
import { LEDGER } from "../fields";
import { type Event, newsQuery, pastQuery, type Search, sealQuery } from "../queries";
import { EventLine } from "./event-line";

interface EventsProps {
  search: Search;
  /** Begins below this position instead of at the newest. */
  before?: number;
  onNewest?: () => void;
}

/** The events that a search finds, the newest first, older ones as they are scrolled to; each opens. */
export function Events({ search, before, onNewest }: EventsProps) {
  const [{ event: open }, set] = useUrlState(LEDGER);
  const past = useInfiniteQuery(pastQuery(search, before));
  const { data: seal } = useQuery(sealQuery);
  const first = past.data?.pages[0]?.items[0];
  const news = useQuery({ ...newsQuery(search, first?.seq ?? -1), enabled: past.data !== undefined && !onNewest });
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = past;
  const end = useEnd(() => hasNextPage && !isFetchingNextPage && void fetchNextPage());
  const events = useMemo(() => {
    const fresh = [...(news.data?.items ?? [])].reverse();
    return [...fresh, ...(past.data?.pages.flatMap(({ items }) => items) ?? [])];
  }, [news.data, past.data]);
  return (
    <div role="group" aria-label="Events, the newest first" className="ledger-events" onKeyDown={walk}>
      {onNewest && (
        <p className="ledger-note">
          The list starts at the event in the address.{" "}
          <Button small onClick={onNewest}>
            Start at the newest
          </Button>
        </p>
      )}
      <Loaded query={past} skeleton={<Skeleton lines={12} />}>
        {() =>
          events.length === 0 ? (
            <Empty title="No event matches">Change the subject, the actor or the time.</Empty>
          ) : (
            <ol>
              {events.map((event, i) => (
                <EventLine
                  key={event.id}
                  event={event}
                  first={day(event) !== day(events[i - 1])}
                  open={event.id === open}
                  sealed={seal?.head ? (event.seq ?? 0) < seal.head.size : false}
                  onToggle={() => set({ event: event.id === open ? "" : event.id })}
                />
              ))}
            </ol>
          )
        }
      </Loaded>
      <div ref={end} />
      {isFetchingNextPage && <Skeleton lines={4} />}
      {past.data && !hasNextPage && events.length > 0 && (
        <p className="ledger-note">This is where the ledger begins.</p>
      )}
    </div>
  );
}

const day = (event: Event | undefined) => event && date(event.at);

/** Calls back whenever the end of the list comes near the window. */
function useEnd(onNear: () => void) {
  const ref = useRef<HTMLDivElement>(null);
  const latest = useRef(onNear);
  latest.current = onNear;
  useEffect(() => {
    if (!ref.current) return;
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && latest.current(), {
      rootMargin: "600px",
    });
    observer.observe(ref.current);
    return () => observer.disconnect();
  });
  return ref;
}

/** j and k, or the arrows, go from event to event. */
function walk(event: KeyboardEvent<HTMLElement>) {
  const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
  const here = event.target instanceof HTMLElement && event.target.matches(".ledger-toggle") ? event.target : undefined;
  if (!step || !here) return;
  event.preventDefault();
  const all = [...event.currentTarget.querySelectorAll<HTMLButtonElement>(".ledger-toggle")];
  all[all.indexOf(here as HTMLButtonElement) + step]?.focus();
}
