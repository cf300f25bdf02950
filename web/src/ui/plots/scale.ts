export type Scale = (value: number) => number;

export function linear([from, to]: readonly [number, number], [start, end]: readonly [number, number]): Scale {
  const span = to - from || 1;
  return (value) => start + ((value - from) / span) * (end - start);
}

/** About `many` round numbers that lie within a span. */
export function roundTicks(from: number, to: number, many = 5): { ticks: number[]; step: number } {
  const raw = (to - from) / Math.max(1, many);
  if (!(raw > 0)) return { ticks: [from], step: 1 };
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= raw * 0.999) ?? 10) * power;
  const first = Math.ceil(from / step - 1e-9);
  const last = Math.floor(to / step + 1e-9);
  return {
    ticks: Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12))),
    step,
  };
}

/** The least span that holds all values, with a little air at both ends. */
export function extent(values: readonly (number | null | undefined)[], air = 0.04): [number, number] {
  const here = values.filter((value): value is number => typeof value === "number" && Number.isFinite(value));
  if (here.length === 0) return [0, 1];
  const [low, high] = [Math.min(...here), Math.max(...here)];
  const room = (high - low || Math.abs(high) || 1) * air;
  return [low - room, high + room];
}
