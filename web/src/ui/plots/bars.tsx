import type { ReactNode } from "react";
import { Num } from "../num";
import "./plots.css";

export interface Bar {
  key: string;
  label: ReactNode;
  /** Below zero, the bar grows to the left of the middle. */
  value: number;
  kind?: "ok" | "warn" | "bad" | "info" | "waiting";
  note?: ReactNode;
}

interface BarsProps {
  label: string;
  bars: readonly Bar[];
  unit?: string;
}

/** Amounts below each other, for what is compared by length: importances, contributions, costs. */
export function Bars({ label, bars, unit }: BarsProps) {
  const least = Math.min(0, ...bars.map((bar) => bar.value));
  const span = Math.max(0, ...bars.map((bar) => bar.value)) - least || 1;
  const share = (value: number) => `${(100 * value) / span}%`;
  return (
    <ul className="bars" aria-label={label}>
      {bars.map(({ key, label: text, value, kind, note }) => (
        <li key={key}>
          <span className="bars-label">{text}</span>
          <span className="bars-track" aria-hidden>
            <span data-kind={kind} style={{ left: share(Math.min(0, value) - least), width: share(Math.abs(value)) }} />
          </span>
          <span className="bars-value">
            <Num value={value} unit={unit} signed={least < 0} />{" "}
            {note !== undefined && <span className="muted">{note}</span>}
          </span>
        </li>
      ))}
    </ul>
  );
}
