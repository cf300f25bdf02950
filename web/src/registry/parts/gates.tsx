import { linear } from "../../ui/plots/scale";
import { said } from "../../ui/report/words";
import { Status } from "../../ui/status";
import type { Check } from "./standing";
import { Words } from "./words";
import "./gates.css";

type Result = Check["results"][number];

/** What each gate measured, on which side of its limit. */
export function Gates({ check }: { check: Check }) {
  return (
    <ul className="gates">
      {check.results.map((result, i) => (
        <li key={`${result.gate} ${i}`}>
          <Status kind={result.passed ? "ok" : "bad"} word={said(result.gate)} />
          <Limit {...result} />
          <span className="gates-reason">
            <Words text={result.reason} />
          </span>
        </li>
      ))}
    </ul>
  );
}

const WIDTH = 140;

/** The measured value as a dot, the limit as a line, the side that is refused tinted. */
function Limit({ measured, threshold, passed }: Result) {
  if (measured === null || threshold === null) return <span className="muted">not measured</span>;
  const [low, high] = [Math.min(0, measured, threshold), Math.max(0, measured, threshold)];
  const room = (high - low || 1) * 0.2;
  const x = linear([low < 0 ? low - room : 0, high + room], [5, WIDTH - 5]);
  const [at, dot] = [x(threshold), x(measured)];
  const refusedBelow = passed === measured >= threshold;
  return (
    <svg className="gate-limit" width={WIDTH} height={20} aria-hidden data-kind={passed ? "ok" : "bad"}>
      <rect
        className="gate-refused"
        x={refusedBelow ? 0 : at}
        width={refusedBelow ? at : WIDTH - at}
        y={6}
        height={8}
      />
      <rect
        className="gate-allowed"
        x={refusedBelow ? at : 0}
        width={refusedBelow ? WIDTH - at : at}
        y={6}
        height={8}
      />
      <line x1={at} x2={at} y1={2} y2={18} />
      <circle cx={dot} cy={10} r={4} />
    </svg>
  );
}
