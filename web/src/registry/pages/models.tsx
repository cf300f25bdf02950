import { type InfiniteData, type UseInfiniteQueryResult, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { ApiError } from "../../kernel/api/errors";
import type { Schema } from "../../kernel/api/types";
import { count } from "../../kernel/number";
import { text, useUrlState } from "../../kernel/url";
import { Button } from "../../ui/button";
import { Section } from "../../ui/card";
import { Empty } from "../../ui/empty";
import { ErrorBox } from "../../ui/error-box";
import { FilterBar } from "../../ui/filter-bar";
import { Loaded } from "../../ui/loaded";
import { Page } from "../../ui/page";
import { RefLink } from "../../ui/ref-link";
import { Skeleton } from "../../ui/skeleton";
import { Status } from "../../ui/status";
import { Time } from "../../ui/time";
import { BrokenGlass } from "../parts/broken";
import { kindOf } from "../parts/standing";
import { Deprecated } from "../parts/stewardship";
import { Tiers } from "../parts/tiers";
import { Versions } from "../parts/versions";
import { Words } from "../parts/words";
import { statesQuery, versionsQuery } from "../queries";
import "../registry.css";

const FIELDS = { where: text() };
type ModelState = Schema<"ModelState">;

/** What is in production, since when, and what waits to follow? */
export function ModelsPage() {
  const states = useQuery(statesQuery);
  const [{ where }, set] = useUrlState(FIELDS);
  const found = useInfiniteQuery({ ...versionsQuery(where), enabled: where !== "" });
  const refused = found.error instanceof ApiError ? found.error : undefined;
  const empty = (
    <Empty title="No models yet" command="ostinato models create --name NAME">
      A model has gates that each version must pass before it can be approved.
    </Empty>
  );
  return (
    <Page title="Models">
      {states.data?.length !== 0 && (
        <div className="model-find">
          <FilterBar
            label="Find versions"
            placeholder="Find versions: metrics.auc > 0.7 and state = approved"
            value={where}
            onChange={(next) => set({ where: next })}
            {...(refused && { error: [refused.message, refused.hint].filter(Boolean).join("\n") })}
          />
        </div>
      )}
      {where && !refused && <Found query={found} metric={/metrics\.(\w+)/.exec(where)?.[1] ?? ""} />}
      <Loaded query={states} empty={empty}>
        {(all) => (
          <ul className="model-list">
            {all.map((state) => (
              <li key={state.model.name}>
                <Named {...state.model} />
                <InProduction mark={state.production} />
                <Waits {...state} />
              </li>
            ))}
          </ul>
        )}
      </Loaded>
      <BrokenGlass />
      {states.data && states.data.length > 0 && <Tiers />}
    </Page>
  );
}

/** The versions of all models that were asked for, with the metric that was asked about. */
function Found({ query, metric }: { query: UseInfiniteQueryResult<InfiniteData<PageOf>>; metric: string }) {
  const versions = query.data?.pages.flatMap(({ items }) => items);
  const shown = metric || Object.keys(versions?.[0]?.metrics ?? {})[0] || "";
  return (
    <Section title="Versions found" note={versions?.length}>
      {query.isPending && <Skeleton lines={4} />}
      {query.isError && <ErrorBox error={query.error} />}
      {versions && <Versions versions={versions} metric={shown} empty="No version matches." />}
      {query.hasNextPage && (
        <div>
          <Button small busy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            Show more
          </Button>
        </div>
      )}
    </Section>
  );
}

type PageOf = Schema<"Page_VersionLine_">;

function Named({ name, description, owner, owners = [], risk, deprecated }: Schema<"Model">) {
  return (
    <div className="model-cell">
      <h2 className="model-list-name">
        <RefLink to={`model:${name}`} bare />
      </h2>
      <p>{description}</p>
      <p className="muted">
        <RefLink to={owner} />
        {owners.length > 1 && ` and ${count(owners.length - 1, "other")}`}, {risk} risk
      </p>
      {deprecated && <Deprecated said={deprecated} />}
    </div>
  );
}

function InProduction({ mark }: { mark: Schema<"AliasMark"> | null }) {
  return (
    <div className="model-cell">
      <p className="model-list-head">In production</p>
      {mark ? (
        <>
          <p className="model-list-version">
            <RefLink to={mark.ref} bare />{" "}
            <span className="muted">
              since <Time at={mark.since} />
            </span>
          </p>
          <p>
            {mark.approved_by.length > 0 ? "approved by " : "approved by nobody"}
            {mark.approved_by.map((by) => (
              <RefLink key={by} to={by} />
            ))}
            , {mark.how === "rolled_back" ? "rolled back" : "promoted"} by <RefLink to={mark.by} />
          </p>
          <p className="muted">
            <Words text={mark.reason} />
          </p>
        </>
      ) : (
        <Status kind="idle" word="none yet" />
      )}
    </div>
  );
}

function Waits({ newest, ahead, production }: ModelState) {
  const none = !newest || newest.version === production?.version;
  return (
    <div className="model-cell">
      <p className="model-list-head">Newer</p>
      {none ? (
        <p className="muted">none</p>
      ) : (
        <>
          <p className="row">
            <RefLink to={newest.ref} bare />
            <Status kind={kindOf(newest.state)} word={newest.state} />
          </p>
          <p className="muted">
            registered <Time at={newest.registered_at} />
            {ahead > 1 && `, ${count(ahead, "version")} ahead of production`}
          </p>
        </>
      )}
    </div>
  );
}
