import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useUrlState } from "../../kernel/url";
import { Page } from "../../ui/page";
import { Tabs } from "../../ui/tabs";
import { INBOX } from "../filters";
import { Alerts } from "../parts/alerts";
import { Inbox } from "../parts/inbox";
import { alertsQuery, statesQuery } from "../queries";
import "../monitoring.css";

/** What was found that somebody must look at, and is it real? */
export function FindingsPage() {
  const [{ show, alert }, set] = useUrlState(INBOX);
  const states = useQuery(statesQuery);
  const alerts = useQuery(alertsQuery);
  const open = states.data?.reduce((sum, { open_findings: own }) => sum + own, 0);
  const loud = alerts.data?.filter(({ state }) => state === "open").length;
  const items = useMemo(
    () =>
      [
        { value: "findings", text: "Findings", note: open },
        { value: "alerts", text: "Alerts", note: loud },
      ] as const,
    [open, loud],
  );
  const shown = alert ? "alerts" : show;
  return (
    <Page title="Findings" lead="Measurements whose whole interval lies beyond the tolerance, and the alerts raised.">
      <Tabs
        label="What was found"
        items={items}
        value={shown}
        onChange={(next) => set({ show: next, alert: "", finding: "" }, { push: true })}
      >
        {shown === "findings" ? <Inbox /> : <Alerts />}
      </Tabs>
    </Page>
  );
}
