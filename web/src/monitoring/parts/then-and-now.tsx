import { percent, short } from "../../kernel/number";
import { Frame } from "../../ui/plots/frame";
import { linear } from "../../ui/plots/scale";
import type { Distribution } from "../queries";
import { cumulative, isFew, type Laid, laid, mostChanged, type Pair, regular, widest } from "../shares";
import { trimmed } from "../words";
import { Dumbbells } from "./dumbbells";

export type Drawing = "shares" | "cumulative";
const HEIGHT = 220;
const CATEGORIES = 14;
/** Smaller shares are not worth a word. */
const SEEN = 0.0005;

interface ThenAndNowProps {
  distribution: Distribution;
  drawing: Drawing;
}

/** A feature in the reference and in the window: where is it now that it was not before? */
export function ThenAndNow({ distribution, drawing }: ThenAndNowProps) {
  const { feature, kind, bins } = distribution;
  if (kind === "category") {
    const { shown, others } = mostChanged(bins, CATEGORIES);
    return <Dumbbells label={`${feature}: the categories that changed most`} rows={shown} others={others} />;
  }
  const parts = laid(bins);
  if (drawing === "cumulative") return <Curves feature={feature} parts={parts} />;
  return <Shares feature={feature} parts={parts} few={isFew(parts)} />;
}

/** Shares of rows in columns of equal widths; what is beyond the reference stands apart at the ends, for nobody knows how far it goes. */
function Shares({ feature, parts, few }: { feature: string; parts: Laid; few: boolean }) {
  const columns = few ? parts.inner : regular(parts.inner);
  const all = [parts.below, ...columns, parts.above].filter((column) => column !== undefined);
  const top = Math.max(...all.flatMap(({ reference, window }) => [reference, window]), 0);
  const [from, to] = [columns[0]?.low ?? 0, columns.at(-1)?.high ?? 1];
  const words = (value: number) => percent(value, 0);
  return (
    <Frame
      label={`${feature}: shares of the rows of the reference and of the window`}
      height={HEIGHT}
      x={{ from, to, hidden: true }}
      y={{ from: 0, to: top * 1.06 || 1, words }}
    >
      {(_, y, width, bottom) => {
        const [left, right] = [44, width - 12];
        const edge = Math.min(44, width / 8);
        const inner = linear(few ? [0, columns.length] : [from, to], [
          left + (parts.below ? edge + 12 : 0),
          right - (parts.above ? edge + 12 : 0),
        ]);
        const spans = columns.map((column, i) => ({
          column,
          start: inner(few ? i : column.low),
          end: inner(few ? i + 1 : column.high),
        }));
        return (
          <>
            {parts.below && <Edge column={parts.below} start={left} end={left + edge} y={y} bottom={bottom} />}
            {spans.map((span) => (
              <Bars key={span.column.low} {...span} y={y} bottom={bottom} />
            ))}
            <path className="shares-now" d={outline(spans, y, bottom)} />
            {parts.above && <Edge column={parts.above} start={right - edge} end={right} y={y} bottom={bottom} />}
            {ticks(spans, few, parts).map(({ at, text }) => (
              <text
                key={text}
                className="plot-tick"
                x={at}
                y={bottom + 18}
                textAnchor={at > width - 20 ? "end" : "middle"}
              >
                {text}
              </text>
            ))}
          </>
        );
      }}
    </Frame>
  );
}

interface Span {
  column: Pair;
  start: number;
  end: number;
}

/** A few edges of the columns in words; of few columns each by its middle. */
function ticks(spans: readonly Span[], few: boolean, { below, above }: Laid): { at: number; text: string }[] {
  if (few)
    return spans.map(({ column, start, end }) => ({
      at: (start + end) / 2,
      text: end - start > 56 ? `${trimmed(column.low)}–${trimmed(column.high)}` : trimmed(column.low),
    }));
  const every = Math.ceil(spans.length / 5);
  const last = spans.at(-1);
  const inner = spans
    .filter((_, i) => i % every === 0 && (i > 0 || !below))
    .map(({ column, start }) => ({ at: start, text: trimmed(column.low) }));
  return last && !above ? [...inner, { at: last.end, text: trimmed(last.column.high) }] : inner;
}

interface BarsProps extends Span {
  y: (share: number) => number;
  bottom: number;
}

function Bars({ column: { low, high, reference, window }, start, end, y, bottom }: BarsProps) {
  return (
    <Both
      words={`${trimmed(low)} to ${trimmed(high)}`}
      {...{ reference, window, start: start + 0.5, end: end - 0.5, y, bottom }}
    />
  );
}

interface BothProps {
  words: string;
  reference: number;
  window: number;
  start: number;
  end: number;
  y: (share: number) => number;
  bottom: number;
}

/** The window as one line of steps over the columns. */
function outline(spans: readonly Span[], y: (share: number) => number, bottom: number): string {
  const [first, last] = [spans[0], spans.at(-1)];
  if (!first || !last) return "";
  return `M${first.start} ${bottom}${spans.map(({ column, end }) => `V${y(column.window)}H${end}`).join("")}V${bottom}`;
}

/** The reference filled, and both in words where a pointer rests. */
function Both({ words, reference, window, start, end, y, bottom }: BothProps) {
  const width = Math.max(1, end - start);
  return (
    <g className="shares-pair">
      <title>{`${words}: ${percent(window)} now, ${percent(reference)} in the reference`}</title>
      <rect className="shares-hit" x={start} width={width} y={8} height={Math.max(0, bottom - 8)} />
      <rect
        className="shares-then"
        x={start}
        width={width}
        y={y(reference)}
        height={Math.max(0, bottom - y(reference))}
      />
    </g>
  );
}

interface EdgeProps extends Omit<BarsProps, "column"> {
  column: Distribution["bins"][number];
}

function Edge({ column: { low, high, reference, window }, start, end, y, bottom }: EdgeProps) {
  const words = low === null ? `< ${trimmed(high ?? 0)}` : `> ${trimmed(low)}`;
  return (
    <>
      <Both words={`${words}, outside the reference`} {...{ reference, window, start, end, y, bottom }} />
      <path className="shares-now" d={`M${start} ${bottom}V${y(window)}H${end}V${bottom}`} />
      <text className="plot-tick" x={(start + end) / 2} y={bottom + 18} textAnchor="middle">
        {words}
      </text>
    </>
  );
}

/** The share of rows below each value: the greatest gap between the two is what the KS distance measures. */
function Curves({ feature, parts }: { feature: string; parts: Laid }) {
  const steps = cumulative(parts);
  const gap = widest(steps);
  const [from, to] = [steps[0]?.x ?? 0, steps.at(-1)?.x ?? 1];
  const path = (x: (v: number) => number, y: (v: number) => number, side: "reference" | "window") =>
    steps.map((step, i) => `${i ? "L" : "M"}${x(step.x).toFixed(1)} ${y(step[side]).toFixed(1)}`).join("");
  return (
    <Frame
      label={`${feature}: share of rows below each value, in the reference and in the window`}
      height={HEIGHT}
      x={{ from, to, label: feature }}
      y={{ from: 0, to: 1, words: (value) => percent(value, 0) }}
    >
      {(x, y) => (
        <>
          <path className="curve-then" d={path(x, y, "reference")} />
          <path className="curve-now" d={path(x, y, "window")} />
          {gap && (
            <g className="curve-gap">
              <line x1={x(gap.x)} x2={x(gap.x)} y1={y(gap.reference)} y2={y(gap.window)} />
              <text
                x={x(gap.x) + (x(gap.x) > x((from + to) / 2) ? -6 : 6)}
                y={(y(gap.reference) + y(gap.window)) / 2}
                dy="0.32em"
                textAnchor={x(gap.x) > x((from + to) / 2) ? "end" : "start"}
              >
                {short(Math.abs(gap.window - gap.reference), 2)}
              </text>
            </g>
          )}
          {steps.map((step) => (
            <rect key={step.x} className="shares-hit" x={x(step.x) - 4} width={8} y={8} height={Math.max(0, y(0) - 8)}>
              <title>
                {`below ${trimmed(step.x)}: ${percent(step.window)} now, ${percent(step.reference)} in the reference`}
              </title>
            </rect>
          ))}
        </>
      )}
    </Frame>
  );
}

/** Which is which, and how many rows each rests on. */
export function ThenAndNowLegend({ distribution, windowName }: { distribution: Distribution; windowName: string }) {
  const { rows_reference, rows_window, missing_reference, missing_window, new_window } = distribution;
  const missing = Math.max(missing_reference, missing_window) >= SEEN;
  return (
    <p className="shares-legend" data-points={distribution.kind === "category" || undefined}>
      <span>
        <i className="shares-key-now" aria-hidden /> {windowName}, {short(rows_window)} rows
      </span>
      <span>
        <i className="shares-key-then" aria-hidden /> reference, {short(rows_reference)} rows
      </span>
      {new_window >= SEEN && <span>{percent(new_window)} outside the reference</span>}
      {missing && (
        <span>
          missing {percent(missing_reference)} → {percent(missing_window)}
        </span>
      )}
    </p>
  );
}
