import { useMemo, useRef, useState } from "react";
import type uPlot from "uplot";
import { full } from "../../kernel/number";
import { useDark } from "../../kernel/theme";
import { ErrorBox } from "../error-box";
import { useSeen, useWidth } from "../size";
import { Skeleton } from "../skeleton";
import { ChartHead } from "./head";
import { useJoined } from "./joined";
import { type Joined, type Line, type Range, summary } from "./lines";
import { colourOf, type Look, type Reference, type Shade } from "./options";
import { usePin } from "./pin";
import { usePlot } from "./plot";
import { Tooltip } from "./tooltip";
import "./line-chart.css";

interface LineChartProps {
  title: string;
  /** At most six; keep the array stable (useMemo). */
  lines: readonly Line[];
  /** x is milliseconds since 1970. */
  time?: boolean;
  xLabel?: string;
  /** Of y. */
  unit?: string;
  references?: readonly Reference[];
  shades?: readonly Shade[];
  /** Draws from zero; without it the chart says where its axis begins. */
  fromZero?: boolean;
  log?: boolean;
  height?: number;
  /** Charts with the same key show their cursors at the same x. */
  sync?: string;
  /** The span in view, where the page keeps it; with `onRange`. */
  range?: Range | undefined;
  onRange?: (range: Range | undefined) => void;
}

const NO_REFERENCES: readonly Reference[] = [];
const NO_SHADES: readonly Shade[] = [];

/** Lines over numbers or time: drag to zoom, double click to see all, click to pin what the cursor shows. */
export function LineChart(props: LineChartProps) {
  const {
    title,
    time = false,
    xLabel = time ? "time" : "step",
    unit,
    fromZero = false,
    log = false,
    height = 240,
    sync,
  } = props;
  const { references = NO_REFERENCES, shades = NO_SHADES } = props;
  const [frame, width] = useWidth();
  const seen = useSeen(frame);
  const [own, setOwn] = useState<Range>();
  const [range, setRange] = props.onRange ? [props.range, props.onRange] : [own, setOwn];
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [floor, setFloor] = useState(0);
  const named = useMemo(() => props.lines.map((line, i) => ({ ...line, colour: colourOf(line, i) })), [props.lines]);
  const lines = useMemo(() => named.filter(({ name }) => !hidden.has(name)), [named, hidden]);
  const { joined, busy, error } = useJoined(lines, range, seen ? Math.ceil(width / 100) * 100 : 0);
  const look = useMemo<Look>(
    () => ({ lines, references, shades, time, log, fromZero, height, sync }),
    [lines, references, shades, time, log, fromZero, height, sync],
  );
  const chart = useRef<uPlot>(undefined);
  const onReset = () => setRange(undefined);
  const pin = usePin(chart, joined, onReset);
  usePlot({
    chart,
    frame,
    look,
    joined: seen ? joined : undefined,
    range,
    width,
    dark: useDark(),
    onSelect: setRange,
    onReset,
    onPoint: pin.onPoint,
    onDrawn: (made) => setFloor(log ? 0 : (made.scales.y?.min ?? 0)),
  });
  const toggle = (name: string) => setHidden((before) => flipped(before, name, named.length));
  const about = { title, unit, xLabel, joined };
  return (
    <figure className="chart" data-busy={busy || undefined}>
      <ChartHead {...about} {...{ lines: named, hidden, toggle, chart, floor }} onReset={range && onReset} />
      {error !== null && <ErrorBox error={error} />}
      <div
        ref={frame}
        className="chart-frame"
        role="group"
        aria-label={`${title}: arrows move the cursor, Enter pins it`}
        tabIndex={0}
        style={{ height }}
        {...pin.handlers}
      >
        {!joined && <Skeleton height={height - 16} />}
        {pin.point && joined && (
          <Tooltip
            {...about}
            {...{ joined, lines, time, width }}
            point={pin.point}
            pinned={pin.pinned}
            onClose={pin.unpin}
          />
        )}
      </div>
      {joined && <Summary title={title} lines={lines} joined={joined} />}
    </figure>
  );
}

/** Hides a line or shows it again; the last one in sight stays. */
function flipped(hidden: ReadonlySet<string>, name: string, all: number): ReadonlySet<string> {
  const next = new Set(hidden);
  if (!next.delete(name) && next.size < all - 1) next.add(name);
  return next;
}

/** The same in words and numbers, for who does not see the picture. */
function Summary({ title, lines, joined }: { title: string; lines: readonly Line[]; joined: Joined }) {
  return (
    <div className="sr-only">
      <table>
        <caption>{title}</caption>
        <thead>
          <tr>
            {["Line", "Points", "Min", "Max", "Last"].map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {summary(lines, joined).map(({ name, points, least, greatest, last }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              {[points, least, greatest, last].map((value, i) => (
                <td key={i}>{value == null ? "none" : full(value)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
