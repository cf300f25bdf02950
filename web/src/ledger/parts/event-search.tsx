import { useQuery } from "@tanstack/react-query";
import { X } from "lucide-react";
import { useMemo, useState } from "react";
import { full } from "../../kernel/number";
import { format, parse } from "../../kernel/ref";
import { date, useNow } from "../../kernel/time";
import { useUrlState } from "../../kernel/url";
import { Button } from "../../ui/button";
import { FilterBar } from "../../ui/filter-bar";
import { LEDGER } from "../fields";
import { eventQuery, type Search, tallyQuery } from "../queries";
import { Activity } from "./activity";
import { Comments } from "./comments";
import { Events } from "./events";
import { VerbSelect } from "./verb-select";

const BINS = 90;

/** The search, how much happened when, the events, and beside them what was said about the thing that is looked for. */
export function EventSearch() {
  const [state, set] = useUrlState(LEDGER);
  const [anchor, setAnchor] = useState(state.event);
  const about = parse(state.ref);
  const search = useSearchOf(state);
  const now = useNow();
  const shown = useMemo(() => ({ ...search, until: search.until ?? endOf(date(now)) }), [search, now]);
  const { data: tally } = useQuery({ ...tallyQuery(shown, BINS), placeholderData: (before) => before });
  const any = state.ref || state.actor || state.verb || state.since || state.until;
  return (
    <div className="ledger-search">
      <FilterBar
        label="About a thing"
        placeholder="model:late@7, dataset:flights …"
        value={state.ref}
        onChange={(ref) => set({ ref: ref.trim() })}
        {...(state.ref && !about && { error: "Write kind:name, such as model:late or model:late@7" })}
        note={tally && `${full(tally.events)} events`}
      >
        <select aria-label="Who" value={state.actor} onChange={(event) => set({ actor: event.target.value })}>
          <option value="">Any actor</option>
          {Object.entries(withOwn(tally?.actors ?? {}, state.actor)).map(([actor, count]) => (
            <option key={actor} value={actor}>{`${actor.replace(/^person:/, "")} (${full(count)})`}</option>
          ))}
        </select>
        <VerbSelect verbs={tally?.verbs ?? {}} value={state.verb} onChange={(verb) => set({ verb })} />
        <DateField label="From" value={state.since} onChange={(since) => set({ since })} />
        <DateField label="To" value={state.until} onChange={(until) => set({ until })} />
        {any && (
          <Button
            kind="quiet"
            icon={<X aria-hidden />}
            onClick={() => set({ ref: "", actor: "", verb: "", since: undefined, until: undefined })}
          >
            Clear
          </Button>
        )}
      </FilterBar>
      {tally && tally.bins.length > 1 && (
        <Activity tally={tally} onRange={(since, until) => set({ since, until }, { push: true })} />
      )}
      <div className="ledger-main" data-beside={about ? true : undefined}>
        {anchor ? (
          <Around event={anchor} search={search} onNewest={() => setAnchor("")} />
        ) : (
          <Events key={JSON.stringify(search)} search={search} />
        )}
        {about && <Comments about={format(about)} />}
      </div>
    </div>
  );
}

/** The list from an event on that an address named: it stands first. */
function Around({ event, search, onNewest }: { event: string; search: Search; onNewest: () => void }) {
  const { data, error } = useQuery(eventQuery(event));
  if (error) return <Events search={search} />;
  return data ? <Events search={search} before={(data.seq ?? 0) + 1} onNewest={onNewest} /> : null;
}

function useSearchOf({ ref, actor, verb, since, until }: { [K in "ref" | "actor" | "verb"]: string } & Search): Search {
  return useMemo(
    () => ({
      touching: parse(ref) ? ref : undefined,
      actor: actor || undefined,
      verb: verb || undefined,
      since: since && instantOf(since),
      until: until && (until.length === 10 ? endOf(until) : until),
    }),
    [ref, actor, verb, since, until],
  );
}

function DateField({
  label,
  value,
  onChange,
}: {
  label: string;
  value: string | undefined;
  onChange: (to: string | undefined) => void;
}) {
  return (
    <label className="ledger-date">
      {label}
      <input
        type="date"
        value={value?.slice(0, 10) ?? ""}
        onChange={(event) => onChange(event.target.value || undefined)}
      />
    </label>
  );
}

/** What is chosen stays a choice, also where nothing of it is left. */
function withOwn(counts: Readonly<Record<string, number>>, own: string): Readonly<Record<string, number>> {
  return own && !(own in counts) ? { ...counts, [own]: 0 } : counts;
}

const instantOf = (day: string) => (day.length === 10 ? `${day}T00:00:00Z` : day);
const endOf = (day: string) => `${day}T23:59:59.999999Z`;
