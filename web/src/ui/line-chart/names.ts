import type uPlot from "uplot";
import type { Reference, Shade } from "./options";

export const FONT = '12px "Inter Variable", system-ui, sans-serif';

const AIR = 4;

/** A rectangle, in pixels of the canvas. */
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

type Point = readonly [x: number, y: number];
type Colour = (token: string, share?: number) => string;

/** Of the places that a name may take, the better first, the one where it covers least of the lines and no other name. */
export function place(places: readonly Box[], taken: readonly Box[], lines: readonly (readonly Point[])[]): Box {
  const cost = (box: Box) =>
    100 * taken.filter((other) => overlap(box, other)).length + lines.filter((line) => crosses(line, box)).length;
  return places.reduce((best, box) => (cost(box) < cost(best) ? box : best));
}

function overlap(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

/** Whether a line, given by its points from left to right, passes through a box. */
export function crosses(line: readonly Point[], { x, y, width, height }: Box): boolean {
  return line.some(([x1, y1], i) => {
    const [x0, y0] = line[i - 1] ?? [x1, y1];
    const [from, to] = [Math.max(x, x0), Math.min(x + width, x1)];
    if (from > to) return false;
    const at = (where: number) => (x1 === x0 ? y1 : y0 + ((y1 - y0) * (where - x0)) / (x1 - x0));
    const ends = x1 === x0 ? [y0, y1] : [at(from), at(to)];
    return Math.min(...ends) <= y + height && Math.max(...ends) >= y;
  });
}

/** Writes the names of references and shades, each beside what it names, over a rim in the colour of the ground. */
export function drawNames(chart: uPlot, references: readonly Reference[], shades: readonly Shade[], colour: Colour) {
  const named = [...references, ...shades].filter(({ text }) => text);
  if (named.length === 0) return;
  const { ctx } = chart;
  const lines = [...references.map((line) => across(chart, line)), ...drawn(chart)];
  const taken: Box[] = [];
  ctx.save();
  ctx.font = FONT.replace("12px", `${12 * devicePixelRatio}px`);
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  ctx.lineJoin = "round";
  ctx.lineWidth = 4 * devicePixelRatio;
  ctx.strokeStyle = colour("bg");
  for (const thing of named) {
    const places = placesOf(chart, thing, ctx.measureText(thing.text).width);
    if (places.length === 0) continue;
    const box = place(places.map(wider), taken, lines);
    taken.push(box);
    ctx.fillStyle = colour(thing.kind ?? "text-3");
    ctx.strokeText(thing.text, box.x + AIR, box.y + box.height / 2);
    ctx.fillText(thing.text, box.x + AIR, box.y + box.height / 2);
  }
  ctx.restore();
}

/** Where the name of a line or a span may stand within the chart: at its ends, on either side of it. */
function placesOf(chart: uPlot, thing: Reference | Shade, width: number): Box[] {
  const { left, top, width: wide, height: tall } = chart.bbox;
  const [gap, height] = [5 * devicePixelRatio, 14 * devicePixelRatio];
  const [right, bottom] = [left + wide, top + tall];
  const axis = thing.axis ?? ("value" in thing ? "y" : "x");
  const ends = "value" in thing ? [thing.value] : [thing.from, thing.to];
  const [low, high] = spread(ends.map((value) => chart.valToPos(value, axis, true)));
  if (axis === "x" ? high < left || low > right : high < top || low > bottom) return [];
  const box = (x: number, y: number): Box => ({ x, y, width, height });
  const inside = "from" in thing;
  const found =
    axis === "x"
      ? [top + gap, bottom - height - gap].flatMap((y) =>
          inside ? [box(Math.max(low, left) + gap, y)] : [box(high + gap, y), box(low - gap - width, y)],
        )
      : [right - width - gap, left + gap].flatMap((x) =>
          inside ? [box(x, Math.max(low, top) + gap)] : [box(x, low - gap / 2 - height), box(x, high + gap / 2)],
        );
  const fits = ({ x, y }: Box) => x >= left && x + width <= right && y >= top && y + height <= bottom;
  return found.some(fits) ? found.filter(fits) : found.slice(0, 1);
}

/** With the air that a name needs on both sides. */
function wider({ x, width, ...rest }: Box): Box {
  return { ...rest, x: x - AIR, width: width + 2 * AIR };
}

function spread(values: readonly number[]): [low: number, high: number] {
  return [Math.min(...values), Math.max(...values)];
}

/** A reference as the line that it is drawn as. */
function across(chart: uPlot, { value, axis = "y" }: Reference): Point[] {
  const { left, top, width, height } = chart.bbox;
  const at = chart.valToPos(value, axis, true);
  return axis === "x"
    ? [
        [at, top],
        [at, top + height],
      ]
    : [
        [left, at],
        [left + width, at],
      ];
}

/** The lines of the chart that are seen, with the edges of their bands, gaps passed over. */
function drawn(chart: uPlot): Point[][] {
  const xs = chart.data[0];
  const [from, to] = chart.series[0]?.idxs ?? [0, -1];
  return chart.series.slice(1).flatMap((series, i) => {
    const ys = chart.data[i + 1];
    if (series.show === false || !ys) return [];
    const points: Point[] = [];
    for (let k = from; k <= to; k++) {
      const [x, y] = [xs[k], ys[k]];
      if (x != null && y != null) points.push([chart.valToPos(x, "x", true), chart.valToPos(y, "y", true)]);
    }
    return [points];
  });
}
