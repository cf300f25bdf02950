import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import type { Schema } from "../../kernel/api/types";
import { useProject } from "../../kernel/project";
import { useNow } from "../../kernel/time";
import { useAt, useParam, useUrlState } from "../../kernel/url";
import { AsOfBanner, AsOfPicker } from "../../ui/as-of";
import { Stats } from "../../ui/facts";
import { Loaded } from "../../ui/loaded";
import { Num } from "../../ui/num";
import { Page } from "../../ui/page";
import { RefLink } from "../../ui/ref-link";
import { Skeleton } from "../../ui/skeleton";
import { Status } from "../../ui/status";
import { Segments, Tabs } from "../../ui/tabs";
import { ENDPOINT, instantOf, type SPANS, spanItems, windowOf } from "../fields";
import { DeployDialog } from "../parts/deploy";
import { Keys } from "../parts/keys";
import { Predictions } from "../parts/predictions";
import { InProduction } from "../parts/production";
import { RolloutsTable } from "../parts/rollouts";
import { TrafficCharts, totals } from "../parts/traffic";
import { TryIt } from "../parts/try";
import { UnderWay } from "../parts/under-way";
import { Acts } from "../parts/verbs";
import { endpointQuery, productionQuery, rolloutsQuery, trafficQuery } from "../queries";
import { asOf, health } from "../words";
import "../serving.css";

type Endpoint = Schema<"Endpoint">;

/** Is it well now? */
export function EndpointPage() {
  const name = useParam("endpoint");
  const project = useProject();
  const [at, setAt] = useAt();
  const endpoint = useQuery(endpointQuery(name));
  const traffic = useTraffic(name);
  const [deploying, setDeploying] = useState(false);
  const found = endpoint.data;
  const actions = found && (
    <>
      <AsOfPicker at={at} onChange={setAt} from={found.created_at} />
      {at === undefined && <Acts endpoint={found} onDeploy={() => setDeploying(true)} />}
    </>
  );
  const heading = (
    <>
      {name} {traffic.data && <Status {...health(totals(traffic))} badge />}
    </>
  );
  return (
    <Page
      title={name}
      heading={heading}
      crumbs={[{ text: "Endpoints", to: `/${project}/endpoints` }]}
      actions={actions}
    >
      <AsOfBanner at={at} onChange={setAt} />
      <Loaded query={endpoint} skeleton={<Skeleton height={320} />}>
        {(one) => (
          <>
            <Glance endpoint={one} />
            <Parts endpoint={one} />
          </>
        )}
      </Loaded>
      {deploying && found && <DeployDialog endpoint={found} onClose={() => setDeploying(false)} />}
    </Page>
  );
}

/** What was asked in the span that the address names. */
function useTraffic(name: string) {
  const [at] = useAt();
  const [{ span }] = useUrlState(ENDPOINT);
  const now = useSince(span, at);
  return useQuery(trafficQuery(name, now.since, now.until));
}

/** The server knows what now is and looks at seven days of it; other spans end with the present bin. */
function useSince(span: keyof typeof SPANS, at: string | undefined) {
  const minute = useNow();
  if (at === undefined && span === "7") return {};
  return windowOf(span, at ?? new Date(minute).toISOString());
}

function Glance({ endpoint }: { endpoint: Endpoint }) {
  const [at] = useAt();
  const [{ span }, set] = useUrlState(ENDPOINT);
  const { data: production } = useQuery(productionQuery(endpoint.name, instantOf(at)));
  const traffic = useTraffic(endpoint.name);
  const { requests, batch, errors } = totals(traffic);
  const stable = production?.versions.find(({ role }) => role === "stable")?.version;
  const own = traffic.data?.versions.find(({ version }) => version === stable);
  return (
    <div className="serving-glance">
      <Stats
        items={[
          { label: at ? "Served" : "Serving", value: stable ? <RefLink to={stable} bare /> : "nothing" },
          { label: "Requests", value: <Num value={requests} />, note: <Num value={batch} unit="in batch" /> },
          { label: "Errors", value: <Num value={errors} /> },
          {
            label: "Latency p95",
            value: <Num value={own?.latency_p95_ms} unit="ms" />,
            note: (
              <>
                p50 <Num value={own?.latency_p50_ms} /> · p99 <Num value={own?.latency_p99_ms} unit="ms" />
              </>
            ),
          },
        ]}
      />
      <Segments label="Time in view" items={spanItems} value={span} onChange={(next) => set({ span: next })} />
      {at === undefined && endpoint.rollout !== null && (
        <UnderWay endpoint={endpoint.name} rollout={endpoint.rollout} />
      )}
    </div>
  );
}

/** What was not kept of the past. */
const PRESENT = [
  { value: "try", text: "Try it" },
  { value: "keys", text: "Keys" },
] as const;

function Parts({ endpoint }: { endpoint: Endpoint }) {
  const [at] = useAt();
  const [{ tab }, set] = useUrlState(ENDPOINT);
  const traffic = useTraffic(endpoint.name);
  const { data: all = [], hasNextPage: older } = useInfiniteQuery(rolloutsQuery(endpoint.name));
  const rollouts = useMemo(() => asOf(all, instantOf(at)), [all, at]);
  const tabs = [
    { value: "traffic", text: "Traffic" },
    { value: "rollouts", text: "Rollouts", note: older ? `${rollouts.length}+` : rollouts.length },
    { value: "predictions", text: "Predictions" },
    ...(at === undefined ? PRESENT : []),
  ] as const;
  return (
    <Tabs label={endpoint.name} items={tabs} value={tab} onChange={(next) => set({ tab: next }, { push: true })}>
      {tab === "traffic" && (
        <div className="serving-traffic">
          <Loaded query={traffic} skeleton={<Skeleton height={320} />}>
            {(found) => <TrafficCharts traffic={found} rollouts={rollouts} />}
          </Loaded>
          <InProduction endpoint={endpoint.name} at={at} />
        </div>
      )}
      {tab === "rollouts" && <RolloutsTable endpoint={endpoint.name} model={endpoint.model} at={instantOf(at)} />}
      {tab === "predictions" && <Predictions endpoint={endpoint.name} at={at} />}
      {tab === "try" && <TryIt endpoint={endpoint.name} />}
      {tab === "keys" && <Keys endpoint={endpoint.name} />}
    </Tabs>
  );
}
