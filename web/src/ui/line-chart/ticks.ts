import { short } from "../../kernel/number";

const DAY = 86_400_000;
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const SUFFIXES = ["", "k", "M", "G", "T", "P"];

/** Ticks of an axis of numbers: one suffix for all, and the decimals that their distance needs. */
export function numberTicks(splits: readonly number[], step: number): string[] {
  const largest = Math.max(...splits.map(Math.abs));
  if (largest > 0 && largest < 1e-4) return splits.map((value) => (value === 0 ? "0" : short(value, 2)));
  const power = largest < 10_000 ? 0 : Math.min(5, Math.floor(Math.log10(largest) / 3 + 1e-9));
  const unit = 1000 ** power;
  const decimals = decimalsOf(step / unit);
  return splits.map((value) => {
    if (value === 0) return "0";
    const text = (value / unit).toFixed(decimals).replace("-", "−");
    return power ? `${text}\u202f${SUFFIXES[power]}` : text;
  });
}

/** How many decimals tell numbers apart that stand `step` from each other. */
function decimalsOf(step: number): number {
  for (let decimals = 0; decimals < 9; decimals++) {
    const scaled = step * 10 ** decimals;
    if (Math.abs(scaled - Math.round(scaled)) < 1e-6 * scaled) return decimals;
  }
  return 9;
}

/** Ticks of an axis of time, in UTC: the day or the year stands under the first tick where it holds. */
export function timeTicks(splits: readonly number[], step: number): string[] {
  let before = "";
  return splits.map((at) => {
    const iso = new Date(at).toISOString();
    const day = `${Number(iso.slice(8, 10))} ${MONTHS[Number(iso.slice(5, 7)) - 1]}`;
    const [upper, lower] =
      step >= 360 * DAY
        ? [iso.slice(0, 4), ""]
        : step >= 28 * DAY
          ? [MONTHS[Number(iso.slice(5, 7)) - 1], iso.slice(0, 4)]
          : step >= DAY
            ? [day, iso.slice(0, 4)]
            : [iso.slice(11, step >= 60_000 ? 16 : step >= 1000 ? 19 : 23), day];
    const changed = lower !== before;
    before = lower;
    return changed && lower ? `${upper}\n${lower}` : `${upper}`;
  });
}

const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** Ticks of a logarithmic axis: only the powers of ten have words. */
export function powerTicks(splits: readonly (number | null)[]): string[] {
  return splits.map((value) => {
    const power = value ? Math.log10(value) : Number.NaN;
    if (Math.abs(power - Math.round(power)) > 1e-9 || Number.isNaN(power)) return "";
    if (power >= 0 && power < 4) return String(10 ** Math.round(power));
    const raised = [...String(Math.abs(Math.round(power)))].map((digit) => RAISED[Number(digit)]).join("");
    return `10${power < 0 ? "⁻" : ""}${raised}`;
  });
}
