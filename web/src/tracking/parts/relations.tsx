import { useCallback } from "react";
import { useProject } from "../../kernel/project";
import { Button, LinkButton } from "../../ui/button";
import { Section } from "../../ui/card";
import type { Comparison, Run } from "../queries";
import { type Brushes, readBrushes, writeBrushes } from "./brush";
import { leading } from "./cells";
import { compareAddress } from "./compare-address";
import { Influences, type Of } from "./influence";
import { Parallel, passing } from "./parallel";
import { bare, Scatter } from "./scatter";

const AXES = 7;

interface RelationsProps {
  comparison: Comparison;
  /** Parameters and metrics, or "" for the first. */
  x: string;
  y: string;
  of: Of;
  /** Spans of the axes that runs must pass through. */
  brush: readonly string[];
  onPick: (picks: { x?: string; y?: string; of?: Of; brush?: string[] }) => void;
  nameOf: (run: Run) => string;
  colour: (run: Run) => number | undefined;
}

/** What parameters did to a metric: all at once, one by one, and how sure that is. */
export function Relations({ comparison, x, y, of, brush, onPick, nameOf, colour }: RelationsProps) {
  const project = useProject();
  const params = comparison.differing.map(({ what }) => what).filter((what) => what.startsWith("params."));
  const metrics = leading(comparison.metrics.map(({ key }) => key)).map((key) => `metrics.${key}`);
  const all = [...params, ...metrics];
  const along = all.includes(x) ? x : (params[0] ?? metrics[0]);
  const up = all.includes(y) ? y : (metrics.find((what) => what !== along) ?? metrics[0]);
  const onParam = useCallback((param: string) => onPick({ x: param }), [onPick]);
  if (along === undefined || up === undefined) return null;
  const metric = up.startsWith("metrics.") ? up : (metrics[0] ?? "");
  const axes = [...params.slice(0, AXES - 1), metric].filter(Boolean);
  const brushes = readBrushes(brush);
  const inside = passing(comparison, axes, brushes);
  const shared = { comparison, nameOf, colour };
  const onBrush = (next: Brushes) => onPick({ brush: writeBrushes(next) });
  const passed = [...inside];
  return (
    <>
      {axes.length > 2 && (
        <Section
          title="Parallel coordinates"
          note={
            passed.length < comparison.runs.length
              ? `${passed.length} of ${comparison.runs.length} runs pass`
              : `${params.length >= AXES ? `${AXES - 1} of ${params.length} parameters; ` : ""}drag along an axis to filter`
          }
          aside={
            passed.length < comparison.runs.length && (
              <>
                <Button small kind="quiet" onClick={() => onBrush({})}>
                  All runs
                </Button>
                {passed.length > 1 && (
                  <LinkButton small to={compareAddress(project, passed)}>
                    Only these {passed.length}
                  </LinkButton>
                )}
              </>
            )
          }
        >
          <Parallel {...shared} axes={axes} brushes={brushes} onBrush={onBrush} />
        </Section>
      )}
      <div className="compare-relations">
        <Section
          title="Scatter plot"
          aside={
            <>
              <Pick label="Along" value={along} all={all} onChange={(next) => onPick({ x: next })} />
              <Pick label="Up" value={up} all={all} onChange={(next) => onPick({ y: next })} />
            </>
          }
        >
          <Scatter {...shared} x={along} y={up} inside={inside} />
        </Section>
        {metric && (
          <Influences
            comparison={comparison}
            metric={metric}
            of={of}
            onOf={(next) => onPick({ of: next })}
            onPick={onParam}
          />
        )}
      </div>
    </>
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
          {bare(what)}
        </option>
      ))}
    </select>
  );
}
