import { X } from "lucide-react";
import { full, interval, short } from "../../kernel/number";
import { exact } from "../../kernel/time";
import { Button } from "../button";
import type { Joined, Line } from "./lines";
import { token } from "./options";

/** Where the cursor stands: the place in x, the nearest point of each line, and pixels from the frame's corner. */
export interface Point {
  index: number;
  near: readonly (number | null)[];
  left: number;
  top: number;
}

interface TooltipProps {
  point: Point;
  joined: Joined;
  lines: readonly Line[];
  time: boolean;
  xLabel: string;
  unit: string | undefined;
  width: number;
  pinned: boolean;
  onClose: () => void;
}

export function Tooltip({ point, joined, lines, time, xLabel, unit, width, pinned, onClose }: TooltipProps) {
  const x = joined.x[point.index];
  if (x === undefined) return null;
  const right = point.left > width / 2;
  return (
    <div
      className="chart-tip"
      data-pinned={pinned || undefined}
      style={{ top: point.top, ...(right ? { right: width - point.left + 12 } : { left: point.left + 12 }) }}
    >
      <div className="chart-tip-head">
        {time ? exact(x) : `${xLabel} ${full(x)}`}
        {pinned && <Button small kind="quiet" aria-label="Unpin" icon={<X aria-hidden />} onClick={onClose} />}
      </div>
      {lines.map((line, i) => {
        const near = point.near[i];
        const cells = joined.lines[i];
        const [y, lo, hi] = [cells?.y, cells?.lo, cells?.hi].map((all) => (near == null ? undefined : all?.[near]));
        return (
          <div key={line.name} className="chart-tip-line">
            <span
              className="chart-key"
              data-dashed={line.dashed || undefined}
              style={{ color: `var(--${token(line, i)})` }}
            />
            <span className="chart-tip-name">{line.name}</span>
            <span title={y == null ? undefined : full(y)}>{y == null ? "–" : short(y, 4)}</span>
            {unit && <span className="num-unit">{unit}</span>}
            {lo != null && hi != null && <span className="num-interval">{interval(lo, hi)}</span>}
          </div>
        );
      })}
    </div>
  );
}
