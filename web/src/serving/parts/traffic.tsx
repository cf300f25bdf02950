import type { UseQueryResult } from "@tanstack/react-query";
import { useMemo } from "react";
import type { Schema } from "../../kernel/api/types";
import { percent } from "../../kernel/number";
import { time } from "../../kernel/time";
import { useUrlState } from "../../kernel/url";
import { Section } from "../../ui/card";
import { LineChart } from "../../ui/line-chart/line-chart";
import type { Reference } from "../../ui/line-chart/options";
import { Num } from "../../ui/num";
import { RefLink } from "../../ui/ref-link";
import { Table } from "../../ui/table";
import { Segments } from "../../ui/tabs";
import { ENDPOINT } from "../fields";
import { countOf, errorLines, LINES_MAX, latencyLines, perBin, requestLines, times } from "../traffic";
import { colourOf, type Rollout, short, stateOf } from "../words";

type Traffic = Schema<"Traffic">;
const ASKED = [
  { value: "single", text: "Online" },
  { value: "batch", text: "Batch" },
  { value: "all", text: "All" },
] as const;
const QUANTILES = [
  { value: "p50", text: "p50" },
  { value: "p95", text: "p95" },
  { value: "p99", text: "p99" },
] as const;

const NAMED_MAX = 2;

interface TrafficProps {
  traffic: Traffic;
  rollouts: readonly Rollout[];
}

/** Who answered how much, how fast, and what failed. */
export function TrafficCharts({ traffic, rollouts }: TrafficProps) {
  const [{ asked, quantile }, set] = useUrlState(ENDPOINT);
  const requests = useMemo(() => requestLines(traffic, asked), [traffic, asked]);
  const latency = useMemo(() => latencyLines(traffic, quantile), [traffic, quantile]);
  const errors = useMemo(() => errorLines(traffic), [traffic]);
  const ends = useMemo(() => endsOf(rollouts, traffic), [rollouts, traffic]);
  const per = perBin(traffic.bin_s);
  const sync = `traffic-${traffic.endpoint}`;
  return (
    <div className="stack">
      <Section
        title="Requests by version"
        aside={
          <Segments label="Which requests" items={ASKED} value={asked} onChange={(next) => set({ asked: next })} />
        }
      >
        {requests.length > 0 ? (
          <LineChart
            title={ASKED.find(({ value }) => value === asked)?.text ?? ""}
            unit={per}
            time
            lines={requests}
            references={ends}
            fromZero
            sync={sync}
            height={220}
          />
        ) : (
          <p className="muted">{asked === "batch" ? "No batch requests" : "No requests"} in the chosen time.</p>
        )}
        {traffic.versions.length > LINES_MAX && (
          <p className="muted">Drawn are the newest {LINES_MAX} versions; all stand in the table below.</p>
        )}
      </Section>
      <Section
        title="Latency"
        note="of online requests"
        aside={
          <Segments label="Quantile" items={QUANTILES} value={quantile} onChange={(next) => set({ quantile: next })} />
        }
      >
        {latency.length > 0 ? (
          <LineChart
            title={quantile}
            unit="ms"
            time
            lines={latency}
            references={ends}
            fromZero
            sync={sync}
            height={180}
          />
        ) : (
          <p className="muted">No requests one by one in the chosen time.</p>
        )}
      </Section>
      {errors.length > 0 && (
        <Section title="Errors by version" note={per}>
          <LineChart title="Errors" unit={per} time lines={errors} fromZero sync={sync} height={160} />
        </Section>
      )}
      <ByVersion traffic={traffic} />
    </div>
  );
}

/** Where rollouts ended in the span in view; of many only what went wrong is named. */
function endsOf(rollouts: readonly Rollout[], traffic: Traffic): Reference[] {
  const [first = 0, ...rest] = times(traffic);
  const last = rest.at(-1) ?? first;
  const ended = rollouts.filter(({ ended_at }) => ended_at && time(ended_at) >= first && time(ended_at) <= last);
  return ended.map((rollout) => {
    const back = rollout.state === "rolled_back";
    const named = back || ended.length <= NAMED_MAX;
    return {
      text: named ? `${short(rollout.candidate)} ${stateOf(rollout).word.toLowerCase()}` : "",
      value: time(rollout.ended_at ?? ""),
      axis: "x",
      kind: back ? "bad" : "text-3",
    };
  });
}

function ByVersion({ traffic }: { traffic: Traffic }) {
  return (
    <Section title="By version" note="in the chosen time">
      <Table
        label="Requests by version"
        rows={traffic.versions.toReversed()}
        rowKey={({ version }) => version}
        empty="No requests in the chosen time."
        columns={[
          {
            head: "Version",
            grow: true,
            cell: ({ version }) => (
              <span className="row">
                <span className="serving-key" style={{ background: `var(--series-${colourOf(version)})` }} />
                <RefLink to={version} bare />
              </span>
            ),
          },
          { head: "Online", align: "end", cell: (answered) => <Num value={countOf(answered, "single")} /> },
          { head: "Batch", align: "end", cell: ({ batch }) => <Num value={batch} /> },
          {
            head: "Errors",
            align: "end",
            cell: ({ errors, requests }) => (
              <span title={requests ? percent(errors / requests) : ""}>
                <Num value={errors} />
              </span>
            ),
          },
          { head: "p50", align: "end", cell: ({ latency_p50_ms }) => <Num value={latency_p50_ms} unit="ms" /> },
          { head: "p95", align: "end", cell: ({ latency_p95_ms }) => <Num value={latency_p95_ms} unit="ms" /> },
          { head: "p99", align: "end", cell: ({ latency_p99_ms }) => <Num value={latency_p99_ms} unit="ms" /> },
        ]}
      />
    </Section>
  );
}

/** The page's few numbers, of the whole span. */
export function totals({ data }: Pick<UseQueryResult<Traffic>, "data">) {
  const versions = data?.versions ?? [];
  const requests = versions.reduce((sum, one) => sum + one.requests, 0);
  const batch = versions.reduce((sum, one) => sum + one.batch, 0);
  const errors = versions.reduce((sum, one) => sum + one.errors, 0);
  return { requests, batch, errors };
}
