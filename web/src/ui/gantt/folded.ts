export interface Span {
  /** Milliseconds since 1970. */
  from: number;
  to: number;
}

export interface Fold extends Span {
  /** Where the gap is drawn, as a share of the width. */
  at: number;
}

export interface Axis {
  /** An instant as a share of the width, 0 to 1. */
  place: (at: number) => number;
  /** Gaps in which nothing happened, drawn as thin slits. */
  folds: readonly Fold[];
  first: number;
  last: number;
}

export interface Tick {
  /** Milliseconds since the first span began. */
  after: number;
  /** A share of the width. */
  at: number;
}

const SLIT = 0.02;
/** A gap is folded when it is this share of the whole. */
const IDLE = 0.15;

/** A time axis over spans on which long gaps between them take no room. */
export function folded(spans: readonly Span[]): Axis {
  const busy = merged(spans);
  const [first, last] = [busy[0], busy.at(-1)];
  if (!first || !last) return { place: () => 0, folds: [], first: 0, last: 0 };
  const whole = last.to - first.from || 1;
  const gaps = busy.slice(1).map((span, i) => ({ from: busy[i]?.to ?? span.from, to: span.from }));
  const idle = gaps.filter((gap) => gap.to - gap.from > whole * IDLE);
  const worked = whole - idle.reduce((sum, gap) => sum + gap.to - gap.from, 0) || 1;
  const room = 1 - SLIT * idle.length;
  const place = (at: number) => {
    let share = ((at - first.from) / worked) * room;
    for (const gap of idle) {
      if (at <= gap.from) break;
      const within = Math.min(at, gap.to) - gap.from;
      share += (within / (gap.to - gap.from)) * SLIT - (within / worked) * room;
    }
    return Math.max(0, Math.min(1, share));
  };
  return {
    place,
    folds: idle.map((gap) => ({ ...gap, at: place(gap.from) + SLIT / 2 })),
    first: first.from,
    last: last.to,
  };
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const STEPS = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 20, 30].map((s) => s * SECOND),
  ...[1, 2, 5, 10, 20, 30].map((m) => m * MINUTE),
  ...[1, 2, 4, 8, 12, 24, 48, 168, 720].map((h) => h * HOUR),
];
const TICKS = 6;
const APART = 0.09;

/** Round spans since the beginning, as far apart as their words need; none within a fold. */
export function ticks({ place, folds, first, last }: Axis): Tick[] {
  const worked = last - first - folds.reduce((sum, fold) => sum + fold.to - fold.from, 0);
  const step = STEPS.find((span) => span * TICKS >= worked) ?? worked / TICKS;
  const found: Tick[] = [];
  for (let after = 0; step > 0 && first + after <= last && found.length < TICKS_MAX; after += step) {
    const fold = folds.find(({ from, to }) => from < first + after && first + after < to);
    if (fold) after = Math.ceil((fold.to - first) / step) * step;
    const at = place(first + after);
    if (first + after <= last && at - (found.at(-1)?.at ?? -1) >= APART) found.push({ after, at });
  }
  return found;
}

const TICKS_MAX = 24;

function merged(spans: readonly Span[]): Span[] {
  const busy: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.from - b.from)) {
    const before = busy.at(-1);
    if (before && span.from <= before.to) before.to = Math.max(before.to, span.to);
    else busy.push({ ...span });
  }
  return busy;
}
