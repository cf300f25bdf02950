import { full, interval } from "../../kernel/number";
import { fixed } from "../words";

interface ScoreProps {
  value: number | null | undefined;
  /** Shows + on what is above zero: for differences. */
  signed?: boolean;
}

/** A score or a difference of two: three decimals, so that a column of them is compared at a glance. */
export function Score({ value, signed = false }: ScoreProps) {
  if (value === null || value === undefined) return <span className="muted">–</span>;
  return (
    <data className="num" value={value} title={full(value)}>
      {fixed(value, 3, signed)}
    </data>
  );
}

interface HarmProps {
  harm: number | null;
  low: number;
  high: number;
}

/** The difference of the squared errors with its bounds. */
export function Harm({ harm, low, high }: HarmProps) {
  if (harm === null) return <span className="muted">no labels yet</span>;
  return (
    <span className="num">
      <Score value={harm} signed /> <span className="num-interval">{interval(low, high)}</span>
    </span>
  );
}
