import type { Measurement } from "../queries";
import { measureOf, reach, size } from "../words";

const WIDTH = 128;
const HEIGHT = 20;
/** As many tolerances as the bar is long; what lies further is cut there, with an arrow. */
const SPAN = 5;

type Drawn = Pick<Measurement, "test" | "effect" | "low" | "high" | "tolerance" | "alarm">;

/** An effect with its interval on a scale of its tolerance, which all tests share: right of the line, the rule alarms. */
export function EffectBar({ measured }: { measured: Drawn & Measurement }) {
  const { effect, low, high, tolerance, alarm } = measured;
  const at = (value: number) => 3 + Math.max(0, Math.min(1, reach({ effect: value, tolerance }) / SPAN)) * (WIDTH - 10);
  const cut = reach({ effect: high, tolerance }) > SPAN;
  return (
    <svg
      className="effect-bar"
      width={WIDTH}
      height={HEIGHT}
      role="img"
      aria-label={size(measured)}
      data-kind={alarm ? "bad" : undefined}
    >
      <title>{`${measureOf(measured.test)}: ${size(measured)}`}</title>
      <line className="effect-scale" x1={3} x2={WIDTH - 7} y1={10} y2={10} />
      <line className="effect-limit" x1={at(tolerance)} x2={at(tolerance)} y1={3} y2={17} />
      <line className="effect-interval" x1={at(low)} x2={at(high)} y1={10} y2={10} />
      {cut && <path className="effect-arrow" d={`M${WIDTH - 9} 6l5 4l-5 4`} />}
      <circle cx={at(effect)} cy={10} r={3.5} />
    </svg>
  );
}
