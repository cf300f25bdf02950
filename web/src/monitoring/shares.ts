import type { Distribution } from "./queries";

type Bin = Distribution["bins"][number];

/** The share of the rows of the reference and of the window in [low, high). */
export interface Pair {
  low: number;
  high: number;
  reference: number;
  window: number;
}

/** What lies below and above all that the reference holds, and the pairs between. */
export interface Laid {
  below: Bin | undefined;
  above: Bin | undefined;
  inner: Pair[];
}

const COLUMNS = 25;
/** From so many bins on they are laid on a grid of equal widths; fewer are values, or nearly. */
const FEW = 12;

export function laid(bins: readonly Bin[]): Laid {
  const inner = bins.flatMap(({ low, high, reference, window }) =>
    low === null || high === null ? [] : [{ low, high, reference, window }],
  );
  return {
    below: bins.find(({ low, high }) => low === null && high !== null),
    above: bins.find(({ low, high }) => low !== null && high === null),
    inner,
  };
}

/** Whether each bin is drawn as it is, as wide as the others. */
export function isFew({ inner }: Laid): boolean {
  return inner.length <= FEW;
}

/** Bins of unequal widths on a grid of equal ones, each spread evenly over its own width; what is in a point goes where the point is. */
export function regular(inner: readonly Pair[], columns = COLUMNS): Pair[] {
  const from = inner[0]?.low ?? 0;
  const to = inner.at(-1)?.high ?? 1;
  const width = (to - from) / columns || 1;
  return Array.from({ length: columns }, (_, i) => {
    const [low, high] = [from + i * width, from + (i + 1) * width];
    const last = i === columns - 1;
    const share = (side: "reference" | "window") =>
      inner.reduce((sum, bin) => sum + bin[side] * overlap(bin, low, high, last), 0);
    return { low, high, reference: share("reference"), window: share("window") };
  });
}

function overlap(bin: Pair, low: number, high: number, last: boolean): number {
  if (bin.high === bin.low) return bin.low >= low && (bin.low < high || (last && bin.low <= high)) ? 1 : 0;
  return Math.max(0, Math.min(bin.high, high) - Math.max(bin.low, low)) / (bin.high - bin.low);
}

export interface Step {
  x: number;
  reference: number;
  window: number;
}

/** The share of values below each edge. */
export function cumulative({ below, inner }: Laid): Step[] {
  const steps: Step[] = [{ x: inner[0]?.low ?? 0, reference: below?.reference ?? 0, window: below?.window ?? 0 }];
  for (const { high, reference, window } of inner) {
    const before = steps.at(-1) as Step; // there is one from the start
    steps.push({ x: high, reference: before.reference + reference, window: before.window + window });
  }
  return steps;
}

/** Where the two curves are furthest apart. */
export function widest(steps: readonly Step[]): Step | undefined {
  const gap = ({ reference, window }: Step) => Math.abs(window - reference);
  return steps.reduce<Step | undefined>((best, step) => (best && gap(best) >= gap(step) ? best : step), undefined);
}

/** The categories that changed most, most first, and how many are not among them. */
export function mostChanged(bins: readonly Bin[], many: number): { shown: Bin[]; others: number } {
  const sorted = [...bins].sort((a, b) => Math.abs(b.window - b.reference) - Math.abs(a.window - a.reference));
  return { shown: sorted.slice(0, many), others: Math.max(0, sorted.length - many) };
}
