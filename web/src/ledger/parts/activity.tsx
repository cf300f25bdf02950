import { type PointerEvent, useState } from "react";
import type { Schema } from "../../kernel/api/types";
import { full } from "../../kernel/number";
import { date, duration, time } from "../../kernel/time";
import { useWidth } from "../../ui/size";

interface ActivityProps {
  tally: Schema<"Tally">;
  /** Both instants are ISO, the end exclusive by a microsecond. */
  onRange: (since: string, until: string) => void;
}

const HEIGHT = 56;
const FOOT = 18;

/** How much happened when; dragging over it narrows the search. */
export function Activity({ tally, onRange }: ActivityProps) {
  const [ref, width] = useWidth();
  const [drag, setDrag] = useState<[from: number, to: number]>();
  const wide = tally.bin_s * 1000;
  const bins = tally.bins.map(({ start, events }) => ({ start: time(start), events }));
  const from = bins[0]?.start ?? 0;
  const until = (bins.at(-1)?.start ?? 0) + wide;
  const top = Math.max(...bins.map(({ events }) => events));
  const step = width / Math.max(1, (until - from) / wide);
  const x = (at: number) => ((at - from) / wide) * step;
  const binAt = (event: PointerEvent<SVGElement>) => {
    const inside = event.clientX - event.currentTarget.getBoundingClientRect().left;
    return Math.max(0, Math.min(Math.floor(inside / step), Math.round((until - from) / wide) - 1));
  };
  const end = () => {
    if (!drag) return;
    const [low, high] = [Math.min(...drag), Math.max(...drag)];
    setDrag(undefined);
    onRange(new Date(from + low * wide).toISOString(), new Date(from + (high + 1) * wide - 1).toISOString());
  };
  const label = `${full(tally.events)} events from ${date(from)} to ${date(until)}, at most ${full(top)} in ${duration(wide)}`;
  return (
    <div ref={ref} className="ledger-activity">
      <svg
        width={width}
        height={HEIGHT + FOOT}
        role="img"
        aria-label={label}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          setDrag([binAt(event), binAt(event)]);
        }}
        onPointerMove={(event) => drag && setDrag([drag[0], binAt(event)])}
        onPointerUp={end}
        onPointerCancel={() => setDrag(undefined)}
      >
        {drag && (
          <rect
            className="ledger-activity-drag"
            x={Math.min(...drag) * step}
            width={(Math.abs(drag[1] - drag[0]) + 1) * step}
            height={HEIGHT}
          />
        )}
        {bins.map(({ start, events }) => (
          <g key={start}>
            <rect
              className="ledger-activity-bar"
              x={x(start) + 0.5}
              width={Math.max(1, step - 1)}
              y={HEIGHT - Math.max(2, (events / top) * (HEIGHT - 4))}
              height={Math.max(2, (events / top) * (HEIGHT - 4))}
            />
            <rect x={x(start)} width={step} height={HEIGHT} fill="transparent">
              <title>{`${date(start)}${wide > 86_400_000 ? ` and ${duration(wide)} on` : ""}: ${full(events)} events`}</title>
            </rect>
          </g>
        ))}
        <line x1={0} x2={width} y1={HEIGHT + 0.5} y2={HEIGHT + 0.5} />
        <text x={0} y={HEIGHT + 14}>
          {date(from)}
        </text>
        <text x={width / 2} y={HEIGHT + 14} textAnchor="middle">
          {`each bar ${duration(wide)}, at most ${full(top)}`}
        </text>
        <text x={width} y={HEIGHT + 14} textAnchor="end">
          {date(bins.at(-1)?.start ?? from)}
        </text>
      </svg>
    </div>
  );
}
