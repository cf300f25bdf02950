import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { time } from "../../kernel/time";
import { Section } from "../../ui/card";
import { LineChart } from "../../ui/line-chart/line-chart";
import type { Reference, Shade } from "../../ui/line-chart/options";
import { Loaded } from "../../ui/loaded";
import { Skeleton } from "../../ui/skeleton";
import { type MonitorState, type PerformanceLine, performanceQuery, type WindowMark } from "../queries";
import { subject } from "../words";

const HEIGHT = 200;

interface PerformanceSectionProps {
  monitor: string;
  at: string | undefined;
  state: MonitorState;
}

/** Have predictions become worse, and are there the labels to say so? */
export function PerformanceSection({ monitor, at, state }: PerformanceSectionProps) {
  const tolerance = state.kinds.find(({ kind }) => kind === "coverage")?.worst.tolerance;
  return (
    <Section title="Performance over time" note="with 95 % intervals; an alarm begins at the limit">
      <Loaded query={useQuery(performanceQuery(monitor, at))} skeleton={<Skeleton height={HEIGHT} />}>
        {(lines) => (
          <div className="grid monitor-charts">
            {lines.map((line) => (
              <PerformanceChart key={line.test} line={line} sync={`monitor ${monitor}`} />
            ))}
            {lines[0] && (
              <Coverage
                windows={lines[0].points}
                sync={`monitor ${monitor}`}
                {...(tolerance !== undefined && { least: 1 - tolerance })}
              />
            )}
            {lines.length === 0 && <p className="muted">No window has had enough labels yet.</p>}
          </div>
        )}
      </Loaded>
    </Section>
  );
}

interface PerformanceOfProps {
  monitor: string;
  at: string | undefined;
  test: string;
}

/** One measure of performance, in all windows. */
export function PerformanceOf({ monitor, at, test }: PerformanceOfProps) {
  return (
    <Loaded query={useQuery(performanceQuery(monitor, at))} skeleton={<Skeleton height={HEIGHT} />}>
      {(lines) => lines.filter((line) => line.test === test).map((line) => <PerformanceChart key={test} line={line} />)}
    </Loaded>
  );
}

export function PerformanceChart({
  line: { test, points, higher_is_better },
  sync,
}: {
  line: PerformanceLine;
  sync?: string;
}) {
  const name = subject({ kind: "performance", test, feature: "label" });
  const lines = useMemo(() => {
    // Steps reach to the end of the last window.
    const all = [...points, ...points.slice(-1).map((last) => ({ ...last, value: null, low: null, high: null }))];
    const x = all.map(({ window }, i) => time(i < points.length ? window.start : window.end));
    const reference = all.map((point) => point.reference);
    const loss = higher_is_better ? -1 : 1;
    const limit = all.map(({ reference: r, tolerance: t }) => (r === null || t === null ? null : r + loss * t));
    return [
      {
        name: "measured",
        x,
        y: all.map(({ value }) => value),
        lo: all.map(({ low }) => low),
        hi: all.map(({ high }) => high),
      },
      { name: "reference", x, y: reference, dashed: true, steps: true, colour: "text-3" as const },
      { name: "limit", x, y: limit, dashed: true, steps: true, colour: "bad" as const },
    ];
  }, [points, higher_is_better]);
  const shades = useMemo(
    () =>
      points
        .filter(({ alarm }) => alarm)
        .map(
          ({ window }): Shade => ({
            text: "alarm",
            from: time(window.start),
            to: time(window.end),
            axis: "x",
            kind: "bad",
          }),
        ),
    [points],
  );
  return (
    <LineChart
      title={name}
      {...{ lines, shades, ...(sync && { sync }) }}
      time
      xLabel="start of the window"
      height={HEIGHT}
    />
  );
}

interface CoverageProps {
  windows: readonly { window: WindowMark }[];
  sync: string;
  least?: number;
}

function Coverage({ windows, sync, least }: CoverageProps) {
  const lines = useMemo(
    () => [
      {
        name: "labelled predictions",
        x: windows.map(({ window }) => time(window.start)),
        y: windows.map(({ window }) => (window.rows ? (100 * window.labelled) / window.rows : null)),
        colour: 4 as const,
      },
    ],
    [windows],
  );
  const references = useMemo<Reference[]>(
    () => (least === undefined ? [] : [{ text: "least tolerated", value: 100 * least, kind: "bad" }]),
    [least],
  );
  return (
    <LineChart
      title="Labelled predictions"
      unit="%"
      {...{ lines, references, sync }}
      time
      xLabel="start of the window"
      height={HEIGHT}
      fromZero
    />
  );
}
