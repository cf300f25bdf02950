import type { ReactNode } from "react";
import { numberTicks } from "../line-chart/ticks";
import { useWidth } from "../size";
import { linear, roundTicks, type Scale } from "./scale";
import "./plots.css";

interface Axis {
  from: number;
  to: number;
  label?: string | undefined;
  /** Words of the ticks where they are not numbers. */
  words?: (value: number) => string;
  /** Without ticks: the picture has words of its own there. */
  hidden?: boolean;
}

interface FrameProps {
  /** What the picture says, for who does not see it. */
  label: string;
  height: number;
  x: Axis;
  y: Axis;
  children: (x: Scale, y: Scale, width: number, height: number) => ReactNode;
}

const LEFT = 44;
/** The width of a digit, and of how many signs there is room beside the axis. */
const [DIGIT, WORD] = [7, 14];
const BOTTOM = 24;
const TOP = 8;
const RIGHT = 12;

/** Axes with hairlines around a small picture of as many pixels as its place is wide. */
export function Frame({ label, height, x, y, children }: FrameProps) {
  const [ref, width] = useWidth();
  const bottom = height - BOTTOM - (x.label ? 18 : 0);
  const yScale = linear([y.from, y.to], [bottom, y.label ? TOP + 16 : TOP]);
  const yTicks = roundTicks(y.from, y.to, Math.max(2, Math.floor(height / 48)));
  const yWords = y.words ? yTicks.ticks.map(y.words) : numberTicks(yTicks.ticks, yTicks.step);
  const left = y.hidden ? 8 : Math.max(LEFT, ...yWords.map((word) => 12 + DIGIT * Math.min(WORD, word.length)));
  const xScale = linear([x.from, x.to], [left, width - RIGHT]);
  const xTicks = roundTicks(x.from, x.to, Math.max(2, Math.floor((width - left) / 80)));
  const xWords = x.words ? xTicks.ticks.map(x.words) : numberTicks(xTicks.ticks, xTicks.step);
  return (
    <div ref={ref} className="plot" style={{ height }}>
      {width > 0 && (
        <svg width={width} height={height} role="img" aria-label={label}>
          {!y.hidden &&
            yTicks.ticks.map((at, i) => (
              <g key={at}>
                <line className="plot-grid" x1={left} x2={width - RIGHT} y1={yScale(at)} y2={yScale(at)} />
                <text className="plot-tick" x={left - 8} y={yScale(at)} dy="0.32em" textAnchor="end">
                  {yWords[i]}
                </text>
              </g>
            ))}
          {!x.hidden &&
            xTicks.ticks.map((at, i) => (
              <text key={at} className="plot-tick" x={xScale(at)} y={bottom + 18} textAnchor="middle">
                {xWords[i]}
              </text>
            ))}
          <line className="plot-axis" x1={left} x2={width - RIGHT} y1={bottom + 0.5} y2={bottom + 0.5} />
          {x.label && (
            <text className="plot-label" x={width - RIGHT} y={height - 4} textAnchor="end">
              {x.label}
            </text>
          )}
          {children(xScale, yScale, width, bottom)}
        </svg>
      )}
      {y.label && <span className="plot-label plot-label-y">{y.label}</span>}
    </div>
  );
}
