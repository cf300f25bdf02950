import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { time } from "../../kernel/time";
import { LineChart } from "../../ui/line-chart/line-chart";
import type { Reference } from "../../ui/line-chart/options";
import { Loaded } from "../../ui/loaded";
import { Skeleton } from "../../ui/skeleton";
import { type HeatMap, heatQuery, type Measurement } from "../queries";
import { measureOf, sentence } from "../words";

interface OverTimeProps {
  monitor: string;
  at?: string | undefined;
  measured: Pick<Measurement, "kind" | "test" | "feature">;
}

/** The same measurement in all windows: is it new, does it grow, does it come and go? */
export function OverTime({ monitor, at, measured }: OverTimeProps) {
  return (
    <Loaded query={useQuery(heatQuery(monitor, measured.kind, at))} skeleton={<Skeleton height={200} />}>
      {(heat) => <EffectChart heat={heat} measured={measured} />}
    </Loaded>
  );
}

function EffectChart({ heat, measured: { feature, test } }: { heat: HeatMap; measured: OverTimeProps["measured"] }) {
  const line = heat.lines.find((one) => one.feature === feature && one.test === test);
  const lines = useMemo(() => {
    const cells = line?.cells ?? [];
    return [
      {
        name: measureOf(test),
        x: heat.windows.map(({ start }) => time(start)),
        y: cells.map(({ effect }) => effect ?? null),
        lo: cells.map(({ low }) => low ?? null),
        hi: cells.map(({ high }) => high ?? null),
      },
    ];
  }, [heat.windows, line, test]);
  const references = useMemo<Reference[]>(
    () => (line?.tolerance == null ? [] : [{ text: "tolerance", value: line.tolerance, kind: "bad" }]),
    [line],
  );
  if (!line || heat.windows.length < 2) return null;
  return (
    <LineChart
      title={sentence(`${measureOf(test)} by window`)}
      lines={lines}
      references={references}
      time
      xLabel="start of the window"
      height={170}
      fromZero
    />
  );
}
