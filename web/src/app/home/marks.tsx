/** Pictures the size of a word. What they show stands beside them in words, so they are not read out. */

interface RangeProps {
  value: number;
  low: number;
  high: number;
  /** What it is read against: a tolerance, or what it was before. */
  against?: number | null | undefined;
  span: readonly [low: number, high: number];
  kind?: "ok" | "bad";
}

/** An estimate in its interval on a line, with a tick at what it is read against. */
export function Range({ value, low, high, against, span: [from, to], kind }: RangeProps) {
  const place = (at: number) => `${100 * Math.min(1, Math.max(0, (at - from) / (to - from || 1)))}%`;
  return (
    <span className="mark-range" data-kind={kind} aria-hidden>
      <span className="mark-range-span" style={{ left: place(low), right: `calc(100% - ${place(high)})` }} />
      <span className="mark-range-dot" style={{ left: place(value) }} />
      {against != null && <span className="mark-range-tick" style={{ left: place(against) }} />}
    </span>
  );
}

const BAR = 4;
const HEIGHT = 16;

/** What came in each hour, and below it in another colour what of that failed. */
export function Hours({ all, failed }: { all: readonly number[]; failed: readonly number[] }) {
  const top = Math.max(1, ...all);
  const tall = (value: number) => (value === 0 ? 1 : Math.max(2, (value / top) * HEIGHT));
  return (
    <svg className="mark-hours" viewBox={`0 0 ${all.length * BAR} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden>
      {all.map((value, hour) => (
        <rect key={hour} x={hour * BAR} width={BAR - 1} y={HEIGHT - tall(value)} height={tall(value)} />
      ))}
      {failed.map(
        (value, hour) =>
          value > 0 && (
            <rect
              key={hour}
              data-kind="bad"
              x={hour * BAR}
              width={BAR - 1}
              y={HEIGHT - tall(value)}
              height={tall(value)}
            />
          ),
      )}
    </svg>
  );
}
