import { date } from "../../kernel/time";
import { linear } from "../../ui/plots/scale";
import { useWidth } from "../../ui/size";
import { type Case, span } from "../cases";

const HEIGHT = 96;
const TOP = 18;
const FLOOR = HEIGHT - 20;

interface StemsProps {
  label: string;
  cases: readonly Case[];
  /** Of the axis, in ms. */
  since: number;
  until: number;
  /** What half of the cases stay below. */
  median?: number | null | undefined;
}

/** Each case as a stem where it ended, as high as it took long. */
export function Stems({ label, cases, since, until, median }: StemsProps) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const most = Math.max(0, ...cases.map(({ hours }) => hours));
  const x = linear([since, until], [6, Math.max(7, width - 6)]);
  const y = linear([0, most || 1], [FLOOR, TOP]);
  return (
    <div ref={ref} className="stems">
      {width > 0 && (
        <svg
          width={width}
          height={HEIGHT}
          role="img"
          aria-label={`${label}: ${cases.map(told).join(", ") || "no case"}`}
        >
          <line className="plot-axis" x1={0} x2={width} y1={FLOOR + 0.5} y2={FLOOR + 0.5} />
          {most > 0 && (
            <>
              <line className="plot-grid" x1={0} x2={width} y1={TOP} y2={TOP} />
              <text className="plot-tick" x={0} y={TOP - 6}>
                {span(most)}
              </text>
            </>
          )}
          {median != null && median > 0 && median < most && (
            <line className="plot-reference" x1={0} x2={width} y1={y(median)} y2={y(median)} />
          )}
          {cases.map((one) => (
            <g key={one.ref} className="plot-dot" data-kind={one.bad ? "bad" : undefined}>
              <title>{told(one)}</title>
              <line x1={x(one.at)} x2={x(one.at)} y1={FLOOR} y2={y(one.hours)} />
              {one.bad ? <Cross x={x(one.at)} y={y(one.hours)} /> : <circle cx={x(one.at)} cy={y(one.hours)} r={4} />}
            </g>
          ))}
          <text className="plot-tick" x={0} y={HEIGHT - 4}>
            {date(since)}
          </text>
          <text className="plot-tick" x={width} y={HEIGHT - 4} textAnchor="end">
            {date(until)}
          </text>
        </svg>
      )}
    </div>
  );
}

/** What failed has a shape of its own, above what did not. */
function Cross({ x, y }: { x: number; y: number }) {
  const up = y - 14;
  return <path d={`M${x} ${y}V${up + 8}M${x - 4} ${up - 4}l8 8m0 -8l-8 8`} />;
}

function told({ ref, at, hours, bad }: Case): string {
  return `${ref.slice(ref.indexOf(":") + 1)}, ${date(at)}: ${bad ? "rolled back" : span(hours)}`;
}
