/** A span of an axis that lines must pass through: of numbers, or of the places of words. */
export type Span = readonly [low: number, high: number];
export type Brushes = Readonly<Record<string, Span>>;

/** `params.depth:3:7`, as they stand in the address; what is malformed is passed over. */
export function readBrushes(given: readonly string[]): Brushes {
  return Object.fromEntries(
    given.flatMap((text): [string, Span][] => {
      const [, what, low, high] = /^(.+):([^:]+):([^:]+)$/.exec(text) ?? [];
      const span = [Number(low), Number(high)] as const;
      return what && span.every(Number.isFinite) && span[0] <= span[1] ? [[what, span]] : [];
    }),
  );
}

export function writeBrushes(brushes: Brushes): string[] {
  return Object.entries(brushes).map(([what, [low, high]]) => `${what}:${tidy(low)}:${tidy(high)}`);
}

/** With another span on one axis; with none, that axis lets all lines pass. */
export function brushed(brushes: Brushes, what: string, span: Span | undefined): Brushes {
  const others = Object.entries(brushes).filter(([name]) => name !== what);
  return Object.fromEntries(span ? [...others, [what, span]] : others);
}

/** Whether a value is let through; one that is not there is not. */
export function within(span: Span | undefined, value: number | undefined): boolean {
  return span === undefined || (value !== undefined && value >= span[0] && value <= span[1]);
}

/** Where a key takes one end of a span, on an axis from `low` to `high` in steps; undefined for a key that means nothing here. */
export function movedEnd(
  key: string,
  end: 0 | 1,
  span: Span,
  [low, high]: Span,
  step: number,
): Span | "none" | undefined {
  if (key === "Escape" || key === "Delete") return "none";
  const by = {
    ArrowUp: step,
    ArrowRight: step,
    PageUp: 5 * step,
    ArrowDown: -step,
    ArrowLeft: -step,
    PageDown: -5 * step,
  }[key];
  const to = key === "Home" ? low : key === "End" ? high : by === undefined ? undefined : span[end] + by;
  if (to === undefined) return undefined;
  const held = Math.min(high, Math.max(low, to));
  return end === 0 ? [Math.min(held, span[1]), span[1]] : [span[0], Math.max(held, span[0])];
}

function tidy(value: number): string {
  return String(Number(value.toPrecision(6)));
}
