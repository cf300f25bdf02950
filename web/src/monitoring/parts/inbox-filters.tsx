import { useQuery } from "@tanstack/react-query";
import { Button } from "../../ui/button";
import { Segments } from "../../ui/tabs";
import type { InboxState } from "../filters";
import { statesQuery } from "../queries";
import { KINDS } from "../words";
import "../../ui/filter-bar.css";

interface InboxFiltersProps {
  view: InboxState;
  set: (changes: Partial<InboxState>) => void;
  counts: Readonly<Record<string, number>> | undefined;
}

const STATES = [
  ["open", "Open"],
  ["acknowledged", "Acknowledged"],
  ["silenced", "Silenced"],
  ["all", "All"],
] as const;

/** Which findings are listed; each choice is in the address. */
export function InboxFilters({ view, set, counts }: InboxFiltersProps) {
  const { data: states = [] } = useQuery(statesQuery);
  const items = STATES.map(([value, text]) => ({
    value,
    text: counts && value !== "all" ? `${text} ${counts[value] ?? 0}` : text,
  }));
  const endpoints = [...new Set(states.map(({ monitor }) => monitor.endpoint))];
  const narrow = (changes: Partial<InboxState>) => set({ ...changes, finding: "" });
  return (
    <div className="filter-bar" role="search" aria-label="Filter findings">
      <Segments label="State" items={items} value={view.state} onChange={(state) => narrow({ state })} />
      <select
        aria-label="Severity"
        value={view.severity}
        onChange={({ target }) => narrow({ severity: target.value as InboxState["severity"] })}
      >
        <option value="any">any severity</option>
        <option value="critical">critical</option>
        <option value="warning">warning</option>
      </select>
      <select
        aria-label="Kind"
        value={view.kind}
        onChange={({ target }) => narrow({ kind: target.value as InboxState["kind"] })}
      >
        <option value="any">any kind</option>
        {Object.entries(KINDS).map(([value, text]) => (
          <option key={value} value={value}>
            {text.toLowerCase()}
          </option>
        ))}
      </select>
      <Choice label="Endpoint" value={view.endpoint} values={endpoints} onChange={(endpoint) => narrow({ endpoint })} />
      <Choice
        label="Monitor"
        value={view.monitor}
        values={states.map(({ monitor }) => monitor.name)}
        onChange={(monitor) => narrow({ monitor })}
      />
      {view.window && (
        <Button small onClick={() => narrow({ window: "" })}>
          One window only ×
        </Button>
      )}
      <span className="inbox-keys muted" aria-hidden>
        <kbd>j</kbd> <kbd>k</kbd> move, <kbd>x</kbd> tick, <kbd>a</kbd> acknowledge
      </span>
    </div>
  );
}

interface ChoiceProps {
  label: string;
  value: string;
  values: readonly string[];
  onChange: (value: string) => void;
}

function Choice({ label, value, values, onChange }: ChoiceProps) {
  return (
    <select aria-label={label} value={value} onChange={({ target }) => onChange(target.value)}>
      <option value="">any {label.toLowerCase()}</option>
      {values.map((name) => (
        <option key={name}>{name}</option>
      ))}
    </select>
  );
}
