import { Section } from "../../ui/card";
import type { Comparison, Run } from "../queries";
import { leading } from "./cells";
import { Parallel } from "./parallel";
import { Scatter } from "./scatter";

const AXES = 7;

interface RelationsProps {
  comparison: Comparison;
  /** A parameter and a metric, or "" for the first. */
  x: string;
  y: string;
  onPick: (picks: { x?: string; y?: string }) => void;
  nameOf: (run: Run) => string;
  colour: (run: Run) => number | undefined;
}

/** What a parameter did to a metric: one by one, and all at once. */
export function Relations({ comparison, x, y, onPick, nameOf, colour }: RelationsProps) {
  const params = comparison.differing.map(({ what }) => what).filter((what) => what.startsWith("params."));
  const metrics = leading(comparison.metrics.map(({ key }) => key)).map((key) => `metrics.${key}`);
  const along = params.includes(x) ? x : params[0];
  const up = metrics.includes(y) ? y : metrics[0];
  if (along === undefined || up === undefined) return null;
  const axes = [...params.slice(0, AXES - 1), up];
  const shared = { comparison, nameOf, colour };
  return (
    <div className="compare-relations">
      <Section
        title="One parameter"
        aside={
          <>
            <Pick label="Parameter" value={along} all={params} onChange={(next) => onPick({ x: next })} />
            <Pick label="Metric" value={up} all={metrics} onChange={(next) => onPick({ y: next })} />
          </>
        }
      >
        <Scatter {...shared} x={along} y={up} />
      </Section>
      {axes.length > 2 && (
        <Section title="All that differ" note={params.length >= AXES ? `${AXES - 1} of ${params.length}` : undefined}>
          <Parallel {...shared} axes={axes} />
        </Section>
      )}
    </div>
  );
}

interface PickProps {
  label: string;
  value: string;
  all: readonly string[];
  onChange: (value: string) => void;
}

function Pick({ label, value, all, onChange }: PickProps) {
  return (
    <select aria-label={label} value={value} onChange={(event) => onChange(event.target.value)}>
      {all.map((what) => (
        <option key={what} value={what}>
          {what.replace(/^\w+\./, "")}
        </option>
      ))}
    </select>
  );
}
