import type { Finding } from "./queries";
import { reach } from "./words";

/** The findings of one window of one monitor. */
export interface Group {
  window: string;
  first: Finding;
  findings: Finding[];
}

/** Findings by their windows, as they come; in each the critical ones first, of these the losses of performance, then the furthest out. */
export function grouped(findings: readonly Finding[]): Group[] {
  const groups = new Map<string, Group>();
  for (const finding of findings) {
    const group = groups.get(finding.window);
    if (group) group.findings.push(finding);
    else groups.set(finding.window, { window: finding.window, first: finding, findings: [finding] });
  }
  for (const { findings: own } of groups.values()) own.sort(byWeight);
  return [...groups.values()];
}

function byWeight(a: Finding, b: Finding): number {
  const rank = ({ severity, measurement }: Finding) =>
    (severity === "critical" ? 0 : 2) + (measurement.kind === "performance" ? 0 : 1);
  return rank(a) - rank(b) || reach(b.measurement) - reach(a.measurement);
}
