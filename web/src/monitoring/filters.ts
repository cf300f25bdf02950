import { choice, text, type ValuesOf } from "../kernel/url";

/** What the address of the inbox says: which findings, which of them is open, or the alerts instead. */
export const INBOX = {
  show: choice("findings", "alerts"),
  state: choice("open", "acknowledged", "silenced", "all"),
  severity: choice("any", "critical", "warning"),
  kind: choice("any", "drift", "performance", "quality", "coverage"),
  endpoint: text(),
  monitor: text(),
  window: text(),
  finding: text(),
  alert: text(),
};
export type InboxState = ValuesOf<typeof INBOX>;

/** What the server is asked for; what is undefined is not asked. */
export interface FindingFilters {
  state?: "open" | "acknowledged" | "silenced" | undefined;
  severity?: "critical" | "warning" | undefined;
  kind?: "drift" | "performance" | "quality" | "coverage" | undefined;
  endpoint?: string | undefined;
  monitor?: string | undefined;
  window?: string | undefined;
}

export function filtersOf({ state, severity, kind, endpoint, monitor, window }: InboxState): FindingFilters {
  return {
    state: state === "all" ? undefined : state,
    severity: severity === "any" ? undefined : severity,
    kind: kind === "any" ? undefined : kind,
    endpoint: endpoint || undefined,
    monitor: monitor || undefined,
    window: window || undefined,
  };
}
