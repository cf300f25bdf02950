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
}

const SLIT = 0.02;
/** A gap is folded when it is this share of the whole. */
const IDLE = 0.15;

/** A time axis over spans on which long gaps between them take no room. */
export function folded(spans: readonly Span[]): Axis {
  const busy = merged(spans);
  const [first, last] = [busy[0], busy.at(-1)];
  if (!first || !last) return { place: () => 0, folds: [] };
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
  return { place, folds: idle.map((gap) => ({ ...gap, at: place(gap.from) + SLIT / 2 })) };
}

function merged(spans: readonly Span[]): Span[] {
  const busy: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.from - b.from)) {
    const before = busy.at(-1);
    if (before && span.from <= before.to) before.to = Math.max(before.to, span.to);
    else busy.push({ ...span });
  }
  return busy;
}
