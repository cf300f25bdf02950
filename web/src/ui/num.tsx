import { full, interval, short } from "../kernel/number";
import "./num.css";

interface NumProps {
  value: number | null | undefined;
  unit?: string | undefined;
  /** Significant digits; 3 unless told. */
  digits?: number | undefined;
  /** Shows + on what is above zero: for differences. */
  signed?: boolean;
}

/** A number abbreviated, with the exact one on hover. */
export function Num({ value, unit, digits, signed = false }: NumProps) {
  if (value === null || value === undefined) return <span className="muted">–</span>;
  return (
    <data className="num" value={value} title={unit ? `${full(value)} ${unit}` : full(value)}>
      {signed && value > 0 && "+"}
      {short(value, digits)}
      {unit && <span className="num-unit"> {unit}</span>}
    </data>
  );
}

interface IntervalProps extends NumProps {
  low: number | null | undefined;
  high: number | null | undefined;
}

/** An estimate with its interval: 0.842 [0.836, 0.848]. */
export function Interval({ low, high, ...estimate }: IntervalProps) {
  const bounded = low !== null && low !== undefined && high !== null && high !== undefined;
  return (
    <span className="num">
      <Num {...estimate} />
      {bounded && (
        <span className="num-interval" title={`from ${full(low)} to ${full(high)}`}>
          {` ${interval(low, high, estimate.digits)}`}
        </span>
      )}
    </span>
  );
}
