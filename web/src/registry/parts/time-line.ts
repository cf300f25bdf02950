const DAY = 86_400_000;
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

export interface Tick {
  at: number;
  text: string;
}

/** At most `most` beginnings of days, months or years within a span, the finest that fit. */
export function calendar(from: number, to: number, most: number): Tick[] {
  const fits = STEPS.find(({ ms }) => (to - from) / ms <= most) ?? years(Math.ceil((to - from) / 365 / DAY / most));
  const ticks: Tick[] = [];
  for (let at = fits.first(from); at <= to; at = fits.next(at)) ticks.push({ at, text: fits.text(at) });
  return ticks;
}

interface Step {
  /** About as long as one is. */
  ms: number;
  first: (from: number) => number;
  next: (at: number) => number;
  text: (at: number) => string;
}

const STEPS: Step[] = [days(1), days(2), days(7), months(1), months(2), months(3), months(6)];

function days(many: number): Step {
  const ms = many * DAY;
  return {
    ms,
    first: (from) => Math.ceil(from / ms) * ms,
    next: (at) => at + ms,
    text: (at) => `${new Date(at).getUTCDate()} ${monthOf(at)}`,
  };
}

function months(many: number): Step {
  const next = (at: number) => Date.UTC(new Date(at).getUTCFullYear(), new Date(at).getUTCMonth() + many);
  return {
    ms: many * 30.4 * DAY,
    first: (from) => {
      const start = Date.UTC(new Date(from).getUTCFullYear(), 0);
      let at = start;
      while (at < from) at = next(at);
      return at;
    },
    next,
    text: (at) => (new Date(at).getUTCMonth() === 0 ? String(new Date(at).getUTCFullYear()) : monthOf(at)),
  };
}

function years(many: number): Step {
  return { ...months(12 * Math.max(1, many)), ms: many * 365 * DAY };
}

function monthOf(at: number): string {
  return MONTHS[new Date(at).getUTCMonth()] ?? "";
}
