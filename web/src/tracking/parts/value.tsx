import { full } from "../../kernel/number";
import { Interval, Num } from "../../ui/num";
import { type Cell, toNumber } from "./cells";

/** Numbers of so many characters are shown as they were given. */
const EXACT = 9;

/** A parameter or tag as it was given. */
export function Given({ value }: { value: Cell }) {
  if (value === undefined || value === null) return <span className="muted">–</span>;
  if (typeof value === "number" && String(value).length > EXACT)
    return <span title={full(value)}>{full(Number(value.toPrecision(4)))}</span>;
  if (typeof value === "number") return <span>{full(value)}</span>;
  return <span title={String(value)}>{value === "" ? "“”" : String(value)}</span>;
}

interface MeasuredProps {
  value: Cell;
  low?: number | undefined;
  high?: number | undefined;
}

/** A measured value, with its interval where it has one. */
export function Measured({ value, low, high }: MeasuredProps) {
  const number = toNumber(value);
  return number !== undefined && Number.isFinite(number) ? (
    <Interval value={number} low={low} high={high} digits={4} />
  ) : (
    <Num value={number} />
  );
}
