import type uPlot from "uplot";
import { type Line, nearest, type Range } from "./lines";
import { drawNames, FONT } from "./names";
import { numberTicks, powerTicks, timeTicks } from "./ticks";

/** A value that points are read against, drawn across the chart and named. */
export interface Reference {
  text: string;
  /** On the y axis, or on x with `axis: "x"`. */
  value: number;
  axis?: "x" | "y";
  kind?: "ok" | "warn" | "bad" | "info" | "waiting" | "text-3";
}

/** A span of x or y that means something: futile, frozen, quarantined. */
export interface Shade {
  text: string;
  from: number;
  to: number;
  axis?: "x" | "y";
  kind?: "ok" | "warn" | "bad" | "info" | "waiting" | "text-3";
}

export interface Look {
  lines: readonly Line[];
  references: readonly Reference[];
  shades: readonly Shade[];
  time: boolean;
  log: boolean;
  fromZero: boolean;
  height: number;
  sync: string | undefined;
}

type Colour = (token: string, share?: number) => string;

interface Told {
  onSelect: (range: Range) => void;
  onReset: () => void;
  onPoint: (chart: uPlot) => void;
  onDrawn: (chart: uPlot) => void;
}

/** The colour of the i-th line, which it keeps while others are hidden. */
export function colourOf({ colour }: Line, i: number): NonNullable<Line["colour"]> {
  return colour ?? (((i % 6) + 1) as 1 | 2 | 3 | 4 | 5 | 6);
}

export function token(line: Line, i: number): string {
  const colour = colourOf(line, i);
  return typeof colour === "number" ? `series-${colour}` : colour;
}

/** uPlot's options: each line is three of its series (mean, low, high), the last two unseen but for the band. */
export function options(
  look: Look,
  colour: Colour,
  width: number,
  steps: uPlot.Series.PathBuilder | undefined,
  told: Told,
): uPlot.Options {
  const grid = { stroke: colour("line"), width: 1 };
  const axis = { stroke: colour("text-3"), font: FONT, grid, ticks: { show: false }, border: { show: false } };
  return {
    width,
    height: look.height,
    ms: 1,
    padding: [12, 20, 0, 0],
    legend: { show: false },
    scales: {
      x: { time: look.time },
      y: { distr: look.log ? 3 : 1, range: (_, low, high) => yRange(look, low, high) },
    },
    axes: [
      {
        ...axis,
        size: look.time ? 44 : 30,
        gap: 8,
        space: 72,
        grid: { show: false },
        values: ticks(look.time ? timeTicks : numberTicks),
      },
      {
        ...axis,
        size: 56,
        gap: 8,
        space: 36,
        ...(look.log && { grid: { ...grid, filter: powers } }),
        values: ticks(look.log ? powerTicks : numberTicks),
      },
    ],
    series: [{}, ...look.lines.flatMap((line, i) => series(line, (share) => colour(token(line, i), share), steps))],
    bands: look.lines.flatMap((line, i) => [
      { series: [3 * i + 3, 3 * i + 2] as [number, number], fill: colour(token(line, i), 18) },
    ]),
    cursor: {
      drag: { x: true, y: false, setScale: false },
      points: { size: 7, width: 2 },
      dataIdx: (chart, of, near) => (of === 0 ? near : nearest((chart.data[of] ?? []) as never, near)) as number,
      bind: {
        dblclick: () => () => {
          told.onReset();
          return null;
        },
      },
      ...(look.sync && { sync: { key: look.sync, setSeries: false, scales: ["x", null] } }),
    },
    hooks: {
      setSelect: [(chart) => selected(chart, told.onSelect)],
      setCursor: [told.onPoint],
      drawClear: [
        (chart) => {
          for (const shade of look.shades) drawShade(chart, shade, colour);
        },
      ],
      draw: [
        (chart) => {
          for (const line of look.references) drawReference(chart, line, colour);
          drawNames(chart, look.references, look.shades, colour);
        },
        told.onDrawn,
      ],
    },
  };
}

/** Of a logarithmic axis only the powers of ten are drawn. */
function powers(_chart: uPlot, splits: number[]): (number | null)[] {
  return splits.map((value) => (Number.isInteger(Math.round(Math.log10(value) * 1e9) / 1e9) ? value : null));
}

type Ticks = (splits: readonly number[], step: number) => string[];

function ticks(words: Ticks): uPlot.Axis.DynamicValues {
  return (_chart, splits, _axis, _space, step) => words(splits, step);
}

type Share = (share?: number) => string;

function series(line: Line, colour: Share, steps: uPlot.Series.PathBuilder | undefined): uPlot.Series[] {
  const stroke = colour();
  const paths = line.steps && steps ? { paths: steps } : {};
  const seen = line.edges ? { stroke: colour(40), width: 1 } : { stroke: "transparent", width: 0 };
  const edge: uPlot.Series = { ...seen, points: { show: false }, ...paths };
  const own: uPlot.Series = {
    label: line.name,
    stroke,
    width: 1.75,
    points: { show: true, size: 5, width: 0, fill: stroke, filter: alone },
    ...(line.dashed && { dash: [6, 4] }),
    ...paths,
  };
  return [own, edge, edge];
}

/** Points without a neighbour make no line: they are drawn as dots. */
function alone(chart: uPlot, of: number): number[] {
  const values = chart.data[of] ?? [];
  const missing = (i: number) => values[i] == null;
  const [from, to] = chart.series[0]?.idxs ?? [0, -1];
  const found: number[] = [];
  for (let i = from; i <= to; i++) if (!missing(i) && missing(i - 1) && missing(i + 1)) found.push(i);
  return found;
}

/** Room for the points, the references and a little air; zero only where asked, so that small changes are seen. */
export function yRange(
  look: Pick<Look, "references" | "shades" | "fromZero" | "log">,
  low: number | null,
  high: number | null,
): [number, number] {
  const held = look.references.filter((line) => line.axis !== "x").map((line) => line.value);
  const least = Math.min(low ?? Infinity, ...held, look.fromZero ? 0 : Infinity);
  const greatest = Math.max(high ?? -Infinity, ...held, look.fromZero ? 0 : -Infinity);
  if (!Number.isFinite(least) || !Number.isFinite(greatest)) return [0, 1];
  if (look.fromZero && least === 0 && greatest === 0) return [0, 1];
  if (look.log) {
    const top = Math.max(greatest, ...held.map((value) => value * 3)); // room for the name above its line
    return [10 ** Math.floor(Math.log10(least || 1e-6)), 10 ** Math.ceil(Math.log10(top || 1))];
  }
  const air = (greatest - least || Math.abs(greatest) || 1) * 0.08;
  return [least === 0 && look.fromZero ? 0 : least - air, greatest === 0 && look.fromZero ? 0 : greatest + air];
}

function selected(chart: uPlot, tell: (range: Range) => void) {
  const { left, width } = chart.select;
  if (width < 4) return;
  tell([chart.posToVal(left, "x"), chart.posToVal(left + width, "x")]);
  chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
}

function drawShade(chart: uPlot, { from, to, axis = "x", kind = "text-3" }: Shade, colour: Colour) {
  const { ctx, bbox } = chart;
  const [a, b] = [chart.valToPos(from, axis, true), chart.valToPos(to, axis, true)].sort((p, q) => p - q) as [
    number,
    number,
  ];
  const [start, size] = axis === "x" ? [bbox.left, bbox.width] : [bbox.top, bbox.height];
  const [low, high] = [Math.max(a, start), Math.min(b, start + size)];
  if (high <= low) return;
  ctx.save();
  ctx.fillStyle = colour(kind, 9);
  if (axis === "x") ctx.fillRect(low, bbox.top, high - low, bbox.height);
  else ctx.fillRect(bbox.left, low, bbox.width, high - low);
  ctx.restore();
}

function drawReference(chart: uPlot, { value, axis = "y", kind = "text-3" }: Reference, colour: Colour) {
  const { ctx, bbox } = chart;
  const at = Math.round(chart.valToPos(value, axis, true)) + 0.5;
  const [start, size] = axis === "x" ? [bbox.left, bbox.width] : [bbox.top, bbox.height];
  if (at < start - 1 || at > start + size + 1) return;
  ctx.save();
  ctx.strokeStyle = colour(kind);
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(axis === "x" ? at : bbox.left, axis === "x" ? bbox.top : at);
  ctx.lineTo(axis === "x" ? at : bbox.left + bbox.width, axis === "x" ? bbox.top + bbox.height : at);
  ctx.stroke();
  ctx.restore();
}
