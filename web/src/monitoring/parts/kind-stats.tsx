import { useQuery } from "@tanstack/react-query";
import { count, interval, percent, significant } from "../../kernel/number";
import { Stats } from "../../ui/facts";
import { type MonitorState, performanceQuery } from "../queries";
import { change, subject } from "../words";

type KindState = MonitorState["kinds"][number];

/** The newest window in one line: what alarmed of each kind, and what is furthest out. */
export function KindStats({ state: { monitor, kinds, last }, at }: { state: MonitorState; at: string | undefined }) {
  const by = (kind: KindState["kind"]) => kinds.find((one) => one.kind === kind);
  const [drift, performance, quality] = [by("drift"), by("performance"), by("quality")];
  return (
    <Stats
      items={[
        ...(drift ? [{ label: "Drifted features", ...alarming(drift) }] : []),
        ...(performance
          ? [
              {
                label: subject(performance.worst),
                value: <Value state={performance} />,
                note: <Beside monitor={monitor.name} at={at} state={performance} />,
              },
            ]
          : [{ label: "Performance", value: "–", note: "too few labels" }]),
        ...(quality ? [{ label: "Failed quality checks", ...alarming(quality) }] : []),
        ...(last?.rows
          ? [
              {
                label: "Labelled predictions",
                value: percent(last.labelled / last.rows, 0),
                note: `of ${count(last.rows, "prediction")}`,
              },
            ]
          : []),
      ]}
    />
  );
}

function alarming({ alarms, tests, worst }: KindState) {
  return {
    value: (
      <span data-kind={alarms ? "bad" : undefined} className="monitor-stat">
        {alarms}
        <span className="monitor-of"> of {tests}</span>
      </span>
    ),
    note: `most: ${subject(worst)} ${change(worst)}`,
  };
}

function Value({ state: { alarms, worst } }: { state: KindState }) {
  return (
    <span data-kind={alarms ? "bad" : undefined} className="monitor-stat">
      {worst.observed === null ? "–" : significant(worst.observed)}
    </span>
  );
}

/** The interval of the value, and what it was in the reference. */
function Beside({ monitor, at, state: { worst } }: { monitor: string; at: string | undefined; state: KindState }) {
  const { data } = useQuery(performanceQuery(monitor, at));
  const point = data?.find(({ test }) => test === worst.test)?.points.at(-1);
  const range = point?.low != null && point.high !== null ? `${interval(point.low, point.high)}, ` : "";
  return <>{`${range}reference ${worst.expected === null ? "–" : significant(worst.expected)}`}</>;
}
