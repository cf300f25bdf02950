import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { useMay } from "../../kernel/session";
import { useUrlState } from "../../kernel/url";
import { Button } from "../../ui/button";
import { Empty } from "../../ui/empty";
import { Loaded } from "../../ui/loaded";
import { RefLink } from "../../ui/ref-link";
import { Status } from "../../ui/status";
import { Segments } from "../../ui/tabs";
import { Time } from "../../ui/time";
import { useAcknowledgeAlert } from "../acknowledge";
import { INBOX } from "../filters";
import { type Alert, alertsQuery } from "../queries";
import { SEVERITIES } from "./finding-state";
import { MAY_NOT } from "./verbs";
import "../../ui/filter-bar.css";

const STATES = [
  { value: "open", text: "Open" },
  { value: "acknowledged", text: "Acknowledged" },
  { value: "all", text: "All" },
] as const;

/** What people must know, whatever part of the platform noticed it; the newest first. */
export function Alerts() {
  const [view, set] = useUrlState(INBOX);
  const alerts = useQuery(alertsQuery);
  const state = view.state === "silenced" ? "all" : view.state;
  return (
    <>
      <div className="filter-bar">
        <Segments
          label="State"
          items={STATES}
          value={state}
          onChange={(next) => set({ state: next, show: "alerts", alert: "" })}
        />
      </div>
      <Loaded query={alerts}>
        {(all) => {
          const shown = all.filter((alert) => state === "all" || alert.state === state || alert.id === view.alert);
          if (shown.length === 0) return <Empty title={state === "open" ? "No open alerts" : "No alerts here"} />;
          return (
            <ul className="alerts">
              {shown.map((alert) => (
                <Line key={alert.id} alert={alert} open={alert.id === view.alert} />
              ))}
            </ul>
          );
        }}
      </Loaded>
    </>
  );
}

function Line({ alert, open }: { alert: Alert; open: boolean }) {
  const { subject, text, severity, raised_at, state, handled_by, note } = alert;
  const may = useMay("monitor:write");
  const acknowledge = useAcknowledgeAlert();
  const item = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (open) item.current?.scrollIntoView({ block: "start" });
  }, [open]);
  const [first = "", ...further] = text.split("\n");
  return (
    <li ref={item} data-open={open || undefined}>
      <div className="alert-head">
        <Status kind={severity === "critical" ? "bad" : "warn"} word={SEVERITIES[severity]} />
        <RefLink to={subject} />
        <span className="muted">
          <Time at={raised_at} />
        </span>
        {state === "open" ? (
          <Button
            small
            disabled={!may}
            title={may ? undefined : MAY_NOT}
            aria-label={`Acknowledge the alert on ${subject}`}
            onClick={() => void acknowledge(alert)}
          >
            Acknowledge…
          </Button>
        ) : (
          <Status kind="ok" word="Acknowledged" />
        )}
      </div>
      <p>{first}</p>
      {further.length > 0 && (
        <details open={open}>
          <summary>and {further.length} more</summary>
          {further.map((line) => (
            <p key={line}>{line}</p>
          ))}
        </details>
      )}
      {state === "acknowledged" && handled_by && (
        <p className="muted">
          By <RefLink to={handled_by} bare />: {note ? `“${note}”` : "without a note"}
        </p>
      )}
    </li>
  );
}
