import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ApiError } from "../../kernel/api/errors";
import { useProject } from "../../kernel/project";
import { href } from "../../kernel/ref";
import { date, exact, useNow } from "../../kernel/time";
import { query, useAt } from "../../kernel/url";
import { Card } from "../../ui/card";
import { Empty } from "../../ui/empty";
import { ErrorBox } from "../../ui/error-box";
import { Facts } from "../../ui/facts";
import { Num } from "../../ui/num";
import { RefLink } from "../../ui/ref-link";
import { Skeleton } from "../../ui/skeleton";
import { Tag } from "../../ui/status";
import { LEDGER } from "../fields";
import { championQuery, endpointsQuery, modelsQuery, productionQuery } from "../queries";
import { Champions } from "./champions";
import "./in-production.css";

const DAY_MS = 86_400_000;

/** The auditor's question: what was in production on that day, since when, by whom, and why? */
export function InProduction() {
  const [given, setAt] = useAt();
  const now = useNow();
  const day = (given ?? date(now)).slice(0, 10);
  const at = given && (given.length === 10 ? `${given}T23:59:59Z` : given);
  const { data: endpoints = [], isPending } = useQuery(endpointsQuery);
  const { data: models = [] } = useQuery(modelsQuery);
  const served = new Set(endpoints.map(({ model }) => model));
  const step = (days: number) => setAt(date(Date.parse(day) + days * DAY_MS));
  return (
    <div className="stack">
      <div className="row ledger-then">
        <label className="ledger-date">
          On
          <input type="date" value={day} max={date(now)} onChange={(event) => setAt(event.target.value || undefined)} />
        </label>
        <div className="row" role="group" aria-label="Move by">
          {STEPS.map(([text, days]) => (
            <button key={text} type="button" className="ledger-step" onClick={() => step(days)}>
              {text}
            </button>
          ))}
          {given && (
            <button type="button" className="ledger-step" onClick={() => setAt(undefined)}>
              Now
            </button>
          )}
        </div>
        <span className="muted">{at ? `as it was at ${exact(at)}` : "as it is now"}</span>
      </div>
      {isPending && <Skeleton />}
      {!isPending && endpoints.length + models.length === 0 && (
        <Empty title="Nothing was ever in production" command="ostinato endpoints deploy NAME --model MODEL" />
      )}
      {models.map(({ name }) => (
        <Champions key={name} model={name} at={at} onDay={setAt} />
      ))}
      <div className="grid">
        {endpoints.map(({ name }) => (
          <EndpointThen key={name} endpoint={name} at={at} />
        ))}
        {models
          .filter(({ name }) => !served.has(name))
          .map(({ name }) => (
            <ChampionThen key={name} model={name} at={at} />
          ))}
      </div>
    </div>
  );
}

const STEPS = [
  ["− month", -30],
  ["− week", -7],
  ["− day", -1],
  ["+ day", 1],
  ["+ week", 7],
  ["+ month", 30],
] as const;

interface ThenProps {
  at: string | undefined;
}

function EndpointThen({ endpoint, at }: ThenProps & { endpoint: string }) {
  const { data, error } = useQuery(productionQuery(endpoint, at));
  return (
    <Card
      title={<RefLink to={`endpoint:${endpoint}`} />}
      aside={<Further ref_={`endpoint:${endpoint}`} at={at} since={data?.since} />}
    >
      {error instanceof ApiError && error.status === 404 && <p className="muted">Nothing answered then.</p>}
      {error && !(error instanceof ApiError && error.status === 404) && <ErrorBox error={error} />}
      {!data && !error && <Skeleton lines={4} />}
      {data && (
        <>
          {data.versions.map(({ version, role, weight, approved_by, reasons }) => (
            <div key={version} className="ledger-served">
              <p className="ledger-version">
                <RefLink to={version} bare /> <Tag text={role} />
                {weight < 1 && <Num value={weight * 100} unit="% of requests" />}
              </p>
              <p>
                <span className="muted">approved by</span> {approved_by.join(", ") || "nobody"}
                {reasons.filter(Boolean).length > 0 && `: “${reasons.filter(Boolean).join("”, “")}”`}
              </p>
            </div>
          ))}
          <Facts
            items={[
              ["Since", exact(data.since)],
              ["By", <RefLink key="by" to={data.by} />],
              ["Reason", data.reason || "none given"],
              ...(data.rollout ? [["Rollout", <RefLink key="rollout" to={`rollout:${data.rollout}`} />] as const] : []),
            ]}
          />
        </>
      )}
    </Card>
  );
}

function ChampionThen({ model, at }: ThenProps & { model: string }) {
  const { data, isPending, error } = useQuery(championQuery(model, at));
  return (
    <Card
      title={<RefLink to={`model:${model}`} />}
      note="no endpoint"
      aside={<Further ref_={`model:${model}`} at={at} since={data?.since} />}
    >
      {isPending && <Skeleton lines={3} />}
      {error && <ErrorBox error={error} />}
      {data === null && <p className="muted">No version was its champion then.</p>}
      {data && (
        <>
          <p className="ledger-version">
            <RefLink to={data.ref} bare /> <Tag text={data.alias} />
          </p>
          <Facts
            items={[
              ["Since", exact(data.since)],
              ["By", <RefLink key="by" to={data.promoted_by} />],
              ["Reason", data.reason || "none given"],
              ["Approved by", data.approved_by.join(", ") || "nobody"],
            ]}
          />
        </>
      )}
    </Card>
  );
}

/** Where the answer comes from: the thing as of that day, and the acts that made it so. */
function Further({ ref_: ref, at, since }: ThenProps & { ref_: string; since: string | undefined }) {
  const project = useProject();
  const until = since && exact(since).slice(0, 10);
  return (
    <>
      <Link to={`${href(project, ref)}${at ? `?at=${encodeURIComponent(at)}` : ""}`}>page as of then</Link>
      {until && <Link to={`/${project}/ledger${query(LEDGER, { ref, until })}`}>events before</Link>}
    </>
  );
}
