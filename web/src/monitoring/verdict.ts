import type { HeatMap, MonitorState } from "./queries";
import { reach, subject, what } from "./words";

type Kinds = MonitorState["kinds"];

/** What drifted, and does it matter? In one sentence, from what the newest window says. */
export function verdict(kinds: Kinds): string {
  const by = (kind: Kinds[number]["kind"]) => kinds.find((one) => one.kind === kind);
  const [drift, performance] = [by("drift"), by("performance")];
  const drifted = !drift
    ? "No drift was measured"
    : drift.alarms === 0
      ? "Nothing drifted beyond its tolerance"
      : `${drift.alarms} of ${drift.tests} features drifted, most of all ${subject(drift.worst)}`;
  if (!performance)
    return `${drifted}; whether predictions are still as good cannot be said: there are too few labels.`;
  if (performance.alarms > 0) return `${drifted}, and predictions are worse: the ${what(performance.worst)}.`;
  return `${drifted}; predictions are not measurably worse than in the reference.`;
}

/** The cell to begin with: in the newest window that has any the alarm with the greatest effect against its tolerance, or the greatest effect. */
export function firstCell({ lines, windows }: HeatMap): [row: number, column: number] | undefined {
  for (let column = windows.length - 1; column >= 0; column--) {
    const rows = lines.flatMap(({ cells, tolerance }, row) => {
      const { effect = null, alarm = false } = cells[column] ?? {};
      return effect === null ? [] : [{ row, alarm, reached: reach({ effect, tolerance: tolerance ?? 0 }) }];
    });
    const [first] = rows.sort((a, b) => Number(b.alarm) - Number(a.alarm) || b.reached - a.reached);
    if (first) return [first.row, column];
  }
  return undefined;
}
