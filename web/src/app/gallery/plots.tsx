import { Card, Section } from "../../ui/card";
import { HeatGrid } from "../../ui/heat-grid";
import { Bars } from "../../ui/plots/bars";
import { Calibration } from "../../ui/plots/calibration";
import { DotInterval } from "../../ui/plots/dot-interval";
import { Histogram, MiniHistogram } from "../../ui/plots/histogram";
import { Spark } from "../../ui/plots/spark";
import { Steps } from "../../ui/plots/steps";
import { noise } from "./samples";

const next = noise(11);
const BINS = Array.from({ length: 24 }, (_, i) => ({
  from: i * 5 - 20,
  to: i * 5 - 15,
  count: Math.round(900 * Math.exp(-((i - 7) ** 2) / 20) + next() * 60),
}));
const LATER = BINS.map((bin, i) => ({ ...bin, count: Math.round(700 * Math.exp(-((i - 9) ** 2) / 26)) }));
const CALIBRATION = Array.from({ length: 10 }, (_, i) => {
  const predicted = (i + 0.5) / 10;
  const observed = Math.max(0.01, Math.min(0.99, predicted + (next() - 0.5) / 8));
  return { predicted, observed, low: Math.max(0, observed - 0.05), high: Math.min(1, observed + 0.05), rows: 2700 };
});
const ROC = Array.from({ length: 41 }, (_, i) => ({ x: i / 40, y: (i / 40) ** 0.4 }));
const SLICES = ["EWR", "JFK", "LGA", "winter", "red-eye"].map((label, i) => {
  const value = 0.74 - i * 0.013;
  return {
    key: label,
    label,
    value,
    low: value - 0.01 - i * 0.004,
    high: value + 0.01 + i * 0.004,
    note: `${27 - i * 5} k rows`,
    ...(i === 4 && { kind: "bad" as const }),
  };
});
const FEATURES = ["dep_delay", "origin", "wind_speed", "visibility", "distance", "carrier", "hour"];
const WEEKS = Array.from({ length: 36 }, (_, i) => ({ key: `${i}`, label: `w${i + 1}` }));
const HEAT = FEATURES.map((_, i) =>
  WEEKS.map((_, j) => (next() < 0.04 ? null : Math.max(0, next() * 0.12 + (i === 2 && j > 20 ? 0.25 : 0)))),
);

export function Plots() {
  return (
    <>
      <Section title="Heat map">
        <HeatGrid
          label="Drift of features by week"
          rows={FEATURES.map((name) => ({ key: name, label: name, name }))}
          columns={WEEKS}
          measure="effect size"
          top={0.4}
          cell={(i, j) => {
            const value = HEAT[i]?.[j] ?? null;
            return { value, significant: (value ?? 0) > 0.25, thin: i === 4 && j % 9 === 0 };
          }}
        />
      </Section>
      <div className="grid">
        <Card title="Histogram" note="training and now">
          <Histogram label="Departure delay" bins={LATER} against={BINS} xLabel="minutes" />
        </Card>
        <Card title="Calibration" note="ECE 0.031 [0.024, 0.039]">
          <Calibration bins={CALIBRATION} />
        </Card>
        <Card title="ROC">
          <Steps
            label="ROC"
            points={ROC}
            xLabel="false positives"
            yLabel="true positives"
            diagonal
            mark={{ x: 0.2, y: 0.525, text: "0.34" }}
          />
        </Card>
        <Card title="Slices" note="worst last">
          <DotInterval label="AUC by slice" rows={SLICES} reference={{ value: 0.7, text: "limit 0.70" }} />
        </Card>
        <Card title="Contributions">
          <Bars
            label="Contributions"
            bars={FEATURES.map((name, i) => ({
              key: name,
              label: name,
              value: 0.3 - i * 0.09,
              kind: i < 4 ? "info" : "warn",
            }))}
          />
        </Card>
        <Card title="Words">
          <div className="row">
            <Spark label="errors, 24 h" values={BINS.map((bin) => bin.count)} kind="ok" />
            <Spark label="latency, 24 h" values={BINS.map((bin, i) => (i === 9 ? null : bin.count))} kind="bad" />
            <MiniHistogram label="distribution" counts={BINS.map((bin) => bin.count)} />
          </div>
        </Card>
      </div>
    </>
  );
}
