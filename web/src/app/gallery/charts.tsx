import { useMemo, useState } from "react";
import { now } from "../../kernel/time";
import { Section } from "../../ui/card";
import { LineChart } from "../../ui/line-chart/line-chart";
import type { FetchRange, Line, Range } from "../../ui/line-chart/lines";
import { noise } from "./samples";

function curve(name: string, seed: number, many: number, at: (i: number) => number, gap = -1): Line {
  const next = noise(seed);
  const x = Array.from({ length: many }, (_, i) => at(i));
  const y = x.map((_, i) => (Math.abs(i - gap) < 4 ? null : 0.4 + Math.exp(-i / (many / 4)) + (next() - 0.5) / 12));
  const wide = (by: number) => y.map((v) => (v === null ? null : v + by));
  return { name, x, y, lo: wide(-0.06), hi: wide(0.06) };
}

/** A million points, as a server's pyramid would answer. */
const pyramid: FetchRange = async (low, high, points) => {
  const [from, to] = [Math.max(0, low), Math.min(1e6, high)];
  const step = Math.max(1, (to - from) / points);
  const x = Array.from({ length: Math.floor((to - from) / step) }, (_, i) => from + i * step);
  const mean = x.map((v) => Math.sin(v / 9e4) + Math.sin(v / 300) * 0.2);
  return {
    x,
    mean,
    lo: mean.map((v) => v - 0.25 * Math.min(1, step / 200)),
    hi: mean.map((v) => v + 0.25 * Math.min(1, step / 200)),
  };
};
const MILLION: Line[] = [{ name: "loss", fetchRange: pyramid }];
const EVIDENCE = [
  { text: "roll back", value: 4.6, kind: "bad" as const },
  { text: "promote", value: 1000, kind: "ok" as const },
];

export function Charts() {
  const [range, setRange] = useState<Range>();
  const lines = useMemo(() => [curve("train", 3, 120, (i) => i), curve("valid", 9, 120, (i) => i, 60)], []);
  const served = useMemo(() => {
    const start = now() - 40 * 86_400_000;
    return ["late@6", "late@7"].map((name, n) => ({
      ...curve(name, 20 + n, 40, (i) => start + i * 86_400_000),
      steps: n === 1,
    }));
  }, []);
  const evidence = useMemo<Line[]>(() => {
    const x = Array.from({ length: 80 }, (_, i) => 100 * (i + 1));
    return [{ name: "e-value", x, y: x.map((v) => 10 ** (v / 2400 + Math.sin(v / 300) / 4)), colour: 1 }];
  }, []);
  return (
    <>
      <Section title="Lines">
        <div className="grid">
          <LineChart title="Loss" lines={lines} sync="a" range={range} onRange={setRange} />
          <LineChart
            title="Loss, from zero"
            lines={lines.slice(0, 1)}
            sync="a"
            fromZero
            range={range}
            onRange={setRange}
          />
          <LineChart
            title="Served"
            unit="requests/s"
            time
            lines={served}
            shades={[{ text: "rollout", from: now() - 20 * 86_400_000, to: now() - 12 * 86_400_000, kind: "waiting" }]}
            references={[{ text: "limit", value: 1.3, kind: "bad" }]}
          />
          <LineChart title="Evidence" xLabel="requests" log lines={evidence} references={EVIDENCE} />
        </div>
      </Section>
      <Section title="A million points">
        <LineChart title="Loss" lines={MILLION} />
      </Section>
    </>
  );
}
