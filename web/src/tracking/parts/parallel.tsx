import { type PointerEvent, useEffect, useRef, useState } from "react";
import { short } from "../../kernel/number";
import { extent, linear, type Scale } from "../../ui/plots/scale";
import { useWidth } from "../../ui/size";
import type { Comparison, Run } from "../queries";
import { places, valuesOf } from "./arrange";
import { type Brushes, brushed, movedEnd, type Span, within, writeBrushes } from "./brush";

interface ParallelProps {
  comparison: Comparison;
  /** `params.depth`, …, `metrics.auc`, from left to right. */
  axes: readonly string[];
  nameOf: (run: Run) => string;
  colour: (run: Run) => number | undefined;
  brushes: Brushes;
  onBrush: (brushes: Brushes) => void;
}

const HEIGHT = 340;
const TOP = 44;
const BOTTOM = HEIGHT - 28;
const SIDE = 14;
const STEPS = 20;
/** Pixels between two axes, for the name of each; where there are fewer, the picture is scrolled. */
const APART = 84;
const WORDS = 12;

/**
 * Parallel coordinates: each run a line through what it was given and what came of it; where lines bundle, a parameter decides. A span
 * drawn on an axis lets only the lines through it stand out.
 */
export function Parallel({ comparison, axes, nameOf, colour, brushes, onBrush }: ParallelProps) {
  const [ref, room] = useWidth();
  const width = room && Math.max(room, APART * axes.length);
  const [moving, setMoving] = useState<Brushes>(); // ahead of the address, which a pointer leaves alone until it rests
  const settled = moving !== undefined && String(writeBrushes(moving)) === String(writeBrushes(brushes));
  useEffect(() => {
    if (settled) setMoving(undefined);
  }, [settled]);
  const held = moving ?? brushes;
  const drawn = axes.map((what, i) => axisOf(comparison, what, i, axes.length, width));
  const inside = passing(comparison, axes, held);
  const some = inside.size < comparison.runs.length;
  return (
    <div ref={ref} className="compare-parallel" style={{ height: HEIGHT }}>
      {width > 0 && (
        <svg width={width} height={HEIGHT} role="group" aria-label={`Each run across ${axes.map(bare).join(", ")}`}>
          {comparison.runs.map((run, i) => (
            <polyline
              key={run.id}
              className="compare-run"
              data-series={colour(run)}
              data-out={(some && !inside.has(run.id)) || undefined}
              points={drawn.flatMap(({ x, y, place }) => at(x, y, place(i))).join(" ")}
            >
              <title>{nameOf(run)}</title>
            </polyline>
          ))}
          {drawn.map((axis) => (
            <Brushed
              key={axis.what}
              axis={axis}
              span={held[axis.what]}
              onMove={(span) => setMoving(brushed(held, axis.what, span))}
              onSpan={(span) => {
                const next = brushed(held, axis.what, span);
                setMoving(next);
                onBrush(next);
              }}
            />
          ))}
        </svg>
      )}
    </div>
  );
}

/** The ids of the runs that pass through every brush. */
export function passing(comparison: Comparison, axes: readonly string[], brushes: Brushes): ReadonlySet<string> {
  const held = axes.filter((what) => brushes[what]);
  const along = held.map((what) => {
    const values = valuesOf(comparison, what);
    return { what, values, at: places(values).at };
  });
  const runs = comparison.runs.filter((_, i) =>
    along.every(({ what, values, at }) => within(brushes[what], at(values[i]))),
  );
  return new Set(runs.map(({ id }) => id));
}

interface Axis {
  what: string;
  x: number;
  y: Scale;
  /** From the least to the greatest value, or the first to the last word. */
  whole: Span;
  step: number;
  words: readonly string[] | undefined;
  anchor: "start" | "middle" | "end";
  place: (run: number) => number | undefined;
}

function axisOf(comparison: Comparison, what: string, i: number, n: number, width: number): Axis {
  const values = valuesOf(comparison, what);
  const { words, at: along } = places(values);
  const whole = words ? ([0, words.length - 1] as const) : extent(values.map(along), 0);
  return {
    what,
    x: SIDE + (i * (width - 2 * SIDE)) / Math.max(1, n - 1),
    y: linear(whole[0] === whole[1] ? [whole[0] - 1, whole[0] + 1] : whole, [BOTTOM, TOP]),
    whole,
    step: words ? 1 : (whole[1] - whole[0]) / STEPS || 1,
    words,
    anchor: i === 0 ? "start" : i === n - 1 ? "end" : "middle",
    place: (run) => along(values[run]),
  };
}

interface BrushedProps {
  axis: Axis;
  span: Span | undefined;
  /** While it is being drawn. */
  onMove: (span: Span | undefined) => void;
  onSpan: (span: Span | undefined) => void;
}

/** An axis on which a pointer draws a span; by keyboard its two ends are moved, and Escape takes it away. */
function Brushed({ axis, span, onMove, onSpan }: BrushedProps) {
  const { what, x, y, whole, step, words, anchor } = axis;
  const from = useRef<number>(undefined);
  const valueAt = (event: PointerEvent<SVGElement>) => {
    const top = event.currentTarget.ownerSVGElement?.getBoundingClientRect().top ?? 0;
    const share = (BOTTOM - (event.clientY - top)) / (BOTTOM - TOP);
    const value = whole[0] + Math.min(1, Math.max(0, share)) * (whole[1] - whole[0]);
    return words ? Math.round(value) : value;
  };
  const onPointerMove = (event: PointerEvent<SVGElement>) => {
    if (from.current === undefined) return;
    const to = valueAt(event);
    if (Math.abs(y(to) - y(from.current)) >= 3 || words)
      onMove([Math.min(from.current, to), Math.max(from.current, to)]);
  };
  const named = words && (words.length <= WORDS ? words.map((_, i) => i) : whole);
  const shown = (named ?? whole).map((v) => ({ text: words?.[v] ?? short(v), at: y(v) }));
  const [low, high] = span ?? whole;
  return (
    <g>
      <line className="plot-axis" x1={x} x2={x} y1={TOP} y2={BOTTOM} />
      <rect
        className="compare-brush"
        x={x - 14}
        y={TOP - 6}
        width={28}
        height={BOTTOM - TOP + 12}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          from.current = valueAt(event);
          onMove(undefined);
        }}
        onPointerMove={onPointerMove}
        onPointerUp={() => {
          from.current = undefined;
          onSpan(span);
        }}
      />
      {span && <rect className="compare-span" x={x - 6} y={y(high) - 3} width={12} height={y(low) - y(high) + 6} />}
      {([0, 1] as const).map((end) => (
        <line
          key={end}
          className="compare-handle"
          data-held={span !== undefined || undefined}
          x1={x - 9}
          x2={x + 9}
          y1={y(end ? high : low)}
          y2={y(end ? high : low)}
          role="slider"
          tabIndex={0}
          aria-label={`${bare(what)}, ${end ? "at most" : "at least"}`}
          aria-orientation="vertical"
          aria-valuemin={whole[0]}
          aria-valuemax={whole[1]}
          aria-valuenow={end ? high : low}
          aria-valuetext={words ? words[end ? high : low] : short(end ? high : low)}
          onKeyDown={(event) => {
            const next = movedEnd(event.key, end, [low, high], whole, step);
            if (next === undefined) return;
            event.preventDefault();
            onSpan(next === "none" ? undefined : next);
          }}
        />
      ))}
      <text className="compare-axis" x={x} y={14} textAnchor={anchor}>
        {bare(what)}
      </text>
      {shown.map(({ text, at: place }) => (
        <text key={text} className="plot-tick compare-end" {...beside(place, x, anchor)}>
          {text}
        </text>
      ))}
    </g>
  );
}

function at(x: number, y: Scale, value: number | undefined): string[] {
  return value === undefined ? [] : [`${x},${y(value)}`];
}

/** Above the upper end, below the lower one, and in between to the right. */
function beside(place: number, x: number, textAnchor: Axis["anchor"]) {
  if (place <= TOP) return { x, y: place - 10, textAnchor };
  return place >= BOTTOM ? { x, y: place + 20, textAnchor } : { x: x + 12, y: place, dy: "0.32em" };
}

function bare(what: string): string {
  return what.replace(/^\w+\./, "");
}
