/** Points of one line. A null is a gap and stays one. */
export interface Columns {
  x: ArrayLike<number>;
  y: ArrayLike<number | null>;
  /** The ends of an interval, or the least and greatest of what a point stands for. */
  lo?: ArrayLike<number | null>;
  hi?: ArrayLike<number | null>;
}

/** What a server's pyramid answers for a span of x. */
export interface Bucketed {
  x: ArrayLike<number>;
  lo: ArrayLike<number | null>;
  hi: ArrayLike<number | null>;
  mean: ArrayLike<number | null>;
}

export type FetchRange = (low: number, high: number, points: number, signal: AbortSignal) => Promise<Bucketed>;

interface Drawn {
  name: string;
  /** One of the six series colours, or a token's name such as "ok"; in order unless told. */
  colour?: 1 | 2 | 3 | 4 | 5 | 6 | "ok" | "warn" | "bad" | "info" | "waiting" | "text-3";
  dashed?: boolean;
  /** Holds a value until the next one: weights, states. */
  steps?: boolean;
  /** Draws the ends of the interval as well, faintly: what was measured, behind what was smoothed. */
  edges?: boolean;
}

/** A line whose points are here. */
export interface PlainLine extends Drawn, Columns {}

/** A line of which only what the width can show is fetched, again at each zoom. */
export interface FetchedLine extends Drawn {
  fetchRange: FetchRange;
}

export type Line = PlainLine | FetchedLine;

export type Range = readonly [low: number, high: number];

export type Cell = number | null | undefined;

/** All lines over one x: null is a gap, undefined only says that this line has no point here. */
export interface Joined {
  x: number[];
  lines: { y: Cell[]; lo?: Cell[]; hi?: Cell[] }[];
}

export function join(lines: readonly Columns[]): Joined {
  const xs = new Set<number>();
  for (const { x } of lines) for (let i = 0; i < x.length; i++) xs.add(x[i] as number);
  const x = Float64Array.from(xs).sort();
  const place = new Map(Array.from(x, (value, i) => [value, i]));
  const spread = (line: Columns, values: ArrayLike<number | null>): Cell[] => {
    if (line.x.length === x.length) return Array.from(values, finite);
    const cells: Cell[] = new Array(x.length).fill(undefined);
    for (let i = 0; i < line.x.length; i++) cells[place.get(line.x[i] as number) as number] = finite(values[i] ?? null);
    return cells;
  };
  return {
    x: Array.from(x),
    lines: lines.map((line) => ({
      y: spread(line, line.y),
      ...(line.lo && { lo: spread(line, line.lo) }),
      ...(line.hi && { hi: spread(line, line.hi) }),
    })),
  };
}

function finite(value: number | null): number | null {
  return value !== null && Number.isFinite(value) ? value : null;
}

/** The place nearest to `near` where a line has a point. */
export function nearest(cells: readonly Cell[], near: number): number | null {
  for (let off = 0; off < cells.length; off++) {
    for (const i of [near - off, near + off]) {
      if (cells[i] !== undefined && cells[i] !== null) return i;
    }
  }
  return null;
}

/** What a chart says in words: of each line its points, least, greatest and last value. */
export function summary(lines: readonly Drawn[], { lines: drawn }: Joined) {
  return lines.map(({ name }, i) => {
    const values = (drawn[i]?.y ?? []).filter((value): value is number => typeof value === "number");
    const [least, greatest] = values.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity]);
    return values.length
      ? { name, points: values.length, least, greatest, last: values.at(-1) ?? null }
      : { name, points: 0, least: null, greatest: null, last: null };
  });
}

/** The points as CSV; each line with its interval where it has one. */
export function toCsv(xName: string, lines: readonly Drawn[], { x, lines: drawn }: Joined): string {
  const heads = [xName];
  const columns: Cell[][] = [x];
  drawn.forEach(({ y, lo, hi }, i) => {
    const name = lines[i]?.name ?? "";
    for (const [suffix, cells] of [
      ["", y],
      [" low", lo],
      [" high", hi],
    ] as const) {
      if (!cells) continue;
      heads.push(name + suffix);
      columns.push(cells);
    }
  });
  const rows = x.map((_, i) => columns.map((cells) => cells[i] ?? "").join(","));
  return `${[heads.map(quoted).join(","), ...rows].join("\r\n")}\r\n`;
}

/** A leading =, +, - or @ would be run as a formula by a spreadsheet. */
function quoted(text: string): string {
  const safe = /^[=+\-@\t]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
