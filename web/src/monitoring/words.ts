import { interval, percent, significant } from "../kernel/number";
import { date, type Instant, time } from "../kernel/time";
import type { Kind, Measurement, Rate, WindowMark } from "./queries";

const DAY = 86_400_000;

/** What the tests of the platform measure; one from outside is called by its own name. */
const MEASURES: Readonly<Record<string, string>> = {
  ks: "KS distance",
  wasserstein: "Wasserstein distance",
  jensen_shannon: "Jensen–Shannon distance",
  hellinger: "Hellinger distance",
  chi_square: "chi-square effect",
  psi: "PSI",
  null_share: "rise of missing values",
  unseen: "rise of unseen values",
  auc: "loss of AUC",
  brier: "rise of the Brier score",
  labels: "share without a label",
};

export const KINDS: Readonly<Record<Kind, string>> = {
  drift: "Drift",
  quality: "Quality",
  performance: "Performance",
  coverage: "Labels",
};

export function measureOf(test: string): string {
  return MEASURES[test] ?? test.replaceAll("_", " ");
}

/** With a capital, as a heading begins. */
export function sentence(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** `weather__temp`; of a whole model there is no feature, but its AUC. */
export function subject({ kind, test, feature }: Pick<Measurement, "kind" | "test" | "feature">): string {
  if (kind === "performance") return test === "auc" ? "AUC" : test === "brier" ? "Brier score" : measureOf(test);
  return kind === "coverage" ? "labels" : feature;
}

type Told = Pick<Measurement, "kind" | "test" | "feature" | "expected" | "observed">;

/** From what to what, in the unit of what was measured: `66.4 → 38.8`; empty where there is no such number. */
export function change({ test, expected, observed }: Told): string {
  if (expected === null || observed === null) return "";
  const said = SHARES.has(test) ? (value: number) => percent(value) : (value: number) => significant(value);
  return `${said(expected)} → ${said(observed)}`;
}

const SHARES = new Set(["null_share", "unseen", "labels"]);

/** What happened, without how sure that is. */
export function what(measured: Told): string {
  const { test, feature, expected, observed } = measured;
  const name = subject(measured);
  if (expected === null || observed === null) return `${name} is distributed otherwise`;
  if (test === "null_share")
    return `${name} is missing in ${percent(observed)} of the rows, in the reference in ${percent(expected)}`;
  if (test === "unseen")
    return `${percent(observed)} of ${feature} are values that the reference does not hold, where ${percent(expected)} are expected`;
  if (test === "labels") return `${percent(observed)} of the predictions have a label`;
  const moved = observed > expected ? "rose" : observed < expected ? "fell" : "stayed";
  const mean = measured.kind === "drift" ? " on average" : "";
  return `${name} ${moved} from ${significant(expected)} to ${significant(observed)}${mean}`;
}

/** How large, with the interval, against what is tolerated. */
export function size({ test, effect, low, high, tolerance }: Measurement): string {
  return `${measureOf(test)} ${significant(effect)} ${interval(low, high)}, tolerated ${trimmed(tolerance)}`;
}

/** Three digits without zeros at the end: an edge, a limit. */
export function trimmed(value: number): string {
  return significant(value)
    .replace(/(\.\d*?)0+$/, "$1")
    .replace(/\.$/, "");
}

/** How sure, after correction for the other tests of its kind in the window. */
export function sure({ corrected_p: p, kind }: Measurement): string {
  const value = p < 0.0001 ? "< 0.0001" : `= ${significant(p, 2)}`;
  return `p ${value}, corrected for all ${kind} tests of the window`;
}

/** How often the rule alarms where nothing has changed, as it was measured. */
export function falseAlarms({ rate, low, high, draws }: Rate): string {
  const times = Math.round(rate * draws);
  const range =
    times === 0 ? `at most ${percent(high)}` : `${percent(rate)}, between ${percent(low)} and ${percent(high)}`;
  return `${times} of ${draws} draws of unchanged data (${range})`;
}

/** How many times its tolerance an effect is; 1 is where an alarm begins. */
export function reach({ effect, tolerance }: Pick<Measurement, "effect" | "tolerance">): number {
  return tolerance > 0 ? effect / tolerance : effect;
}

/** What a person calls a window: the key that somebody gave it, or its days. */
export function windowName({ key, start, end }: Pick<WindowMark, "key" | "start" | "end">): string {
  if (key && !key.includes("/")) return key;
  const last = date(time(end) - 1);
  const first = date(start);
  if (isMonth(start, end)) return first.slice(0, 7);
  if (first === last) return `${first} ${clock(start)}–${clock(end)}`;
  return `${first} to ${last}`;
}

/** From the first of a month to the first of the next, at the same hour or nearly: days begin at midnight of some place. */
function isMonth(start: Instant, end: Instant): boolean {
  const [from, to] = [new Date(start), new Date(end)];
  const months = (to.getUTCFullYear() - from.getUTCFullYear()) * 12 + to.getUTCMonth() - from.getUTCMonth();
  return months === 1 && from.getUTCDate() === 1 && to.getUTCDate() === 1;
}

/** The same in the width of a column: `Dec`, `12-07`, `14:00`. */
export function windowLabel({ start, end }: Pick<WindowMark, "start" | "end">): string {
  const middle = new Date((time(start) + time(end)) / 2).toISOString();
  const span = time(end) - time(start);
  if (span < DAY) return clock(start);
  if (span < 26 * DAY) return date(start).slice(5);
  const month = Number(middle.slice(5, 7));
  return month === 1 ? middle.slice(0, 4) : (MONTHS[month - 1] ?? "");
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function clock(at: Instant): string {
  return new Date(at).toISOString().slice(11, 16);
}
