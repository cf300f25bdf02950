import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import type { Schema } from "../../kernel/api/types";
import { now, time } from "../../kernel/time";
import { useUrlState } from "../../kernel/url";
import { Section } from "../../ui/card";
import { LineChart } from "../../ui/line-chart/line-chart";
import type { Line } from "../../ui/line-chart/lines";
import { Loaded } from "../../ui/loaded";
import { Skeleton } from "../../ui/skeleton";
import { Segments } from "../../ui/tabs";
import { TRACES } from "../fields";
import { momentsQuery } from "../queries";

type Moment = Schema<"Moment">;
const MINUTE = 60_000;
const SPAN_MS = { "1h": 60 * MINUTE, "24h": 1440 * MINUTE, "7d": 7 * 1440 * MINUTE, "30d": 30 * 1440 * MINUTE };
const CHARTS = [
  { value: "latency", text: "Latency" },
  { value: "traces", text: "Traces" },
  { value: "tokens", text: "Tokens" },
  { value: "cost", text: "Cost" },
] as const;
const UNITS = { latency: "ms", traces: "", tokens: "", cost: "$" };
const HEIGHT = 180;

interface CourseProps {
  where: readonly string[];
  span: keyof typeof SPAN_MS;
}

/** How the traces of the table went over time. */
export function Course({ where, span }: CourseProps) {
  const [{ chart }, set] = useUrlState(TRACES);
  const until = Math.ceil(now() / MINUTE) * MINUTE;
  const found = useQuery(
    momentsQuery(where, new Date(until - SPAN_MS[span]).toISOString(), new Date(until).toISOString()),
  );
  const lines = useMemo(() => linesOf(found.data ?? [], chart), [found.data, chart]);
  return (
    <Section
      title="Over time"
      aside={<Segments label="What is drawn" items={CHARTS} value={chart} onChange={(next) => set({ chart: next })} />}
    >
      <Loaded query={found} skeleton={<Skeleton height={HEIGHT} />}>
        {(moments) =>
          moments.length > 1 ? (
            <LineChart title={nameOf(chart)} unit={UNITS[chart]} time lines={lines} fromZero height={HEIGHT} />
          ) : (
            <p className="muted">There are too few traces in this time for a chart.</p>
          )
        }
      </Loaded>
    </Section>
  );
}

function nameOf(chart: keyof typeof UNITS): string {
  return CHARTS.find(({ value }) => value === chart)?.text ?? "";
}

function linesOf(moments: readonly Moment[], chart: keyof typeof UNITS): Line[] {
  const x = moments.map(({ at }) => time(at));
  const line = (name: string, y: (moment: Moment) => number | null): Line => ({ name, x, y: moments.map(y) });
  switch (chart) {
    case "latency":
      return [
        line("p50", ({ p50_ms }) => p50_ms),
        line("p90", ({ p90_ms }) => p90_ms),
        line("p99", ({ p99_ms }) => p99_ms),
      ];
    case "traces":
      return [line("all", ({ traces }) => traces), { ...line("errors", ({ errors }) => errors), colour: "bad" }];
    case "tokens":
      return [line("tokens", ({ total_tokens }) => total_tokens)];
    case "cost":
      return [line("cost", ({ cost }) => cost)];
  }
}
