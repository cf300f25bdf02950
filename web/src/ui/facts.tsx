import type { ReactNode } from "react";
import "./facts.css";

interface FactsProps {
  items: readonly (readonly [label: string, value: ReactNode])[];
}

/** Labels and values, one a line. */
export function Facts({ items }: FactsProps) {
  return (
    <dl className="facts">
      {items.map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{value ?? "–"}</dd>
        </div>
      ))}
    </dl>
  );
}

interface Stat {
  label: string;
  value: ReactNode;
  /** What the value is to be read against: a limit, an interval, a change. */
  note?: ReactNode;
}

/** The three to six numbers that a page is about, large, in one line. */
export function Stats({ items }: { items: readonly Stat[] }) {
  return (
    <dl className="stats">
      {items.map(({ label, value, note }) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd className="stats-value">{value ?? "–"}</dd>
          {note !== undefined && <dd className="stats-note">{note}</dd>}
        </div>
      ))}
    </dl>
  );
}
