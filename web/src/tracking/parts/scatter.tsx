import { short } from "../../kernel/number";
import { Frame } from "../../ui/plots/frame";
import { extent } from "../../ui/plots/scale";
import type { Comparison, Run } from "../queries";
import { type Places, places, valuesOf } from "./arrange";
import type { Cell } from "./cells";

interface ScatterProps {
  comparison: Comparison;
  /** `params.depth`, `metrics.auc`: any against any. */
  x: string;
  y: string;
  nameOf: (run: Run) => string;
  colour: (run: Run) => number | undefined;
  /** Those that stand out; the others are faint. */
  inside: ReadonlySet<string>;
}

/** What runs were given or measured, one against another: a dot for each run that has both. */
export function Scatter({ comparison, x, y, nameOf, colour, inside }: ScatterProps) {
  const [xs, ys] = [valuesOf(comparison, x), valuesOf(comparison, y)];
  const [along, up] = [places(xs), places(ys)];
  const dots = comparison.runs.flatMap((run, i) => {
    const [px, py] = [along.at(xs[i]), up.at(ys[i])];
    return px !== undefined && py !== undefined ? [{ run, i, px, py }] : [];
  });
  if (dots.length === 0) return <p className="muted">No run has both.</p>;
  return (
    <Frame
      label={`${bare(y)} against ${bare(x)}`}
      height={320}
      x={{
        ...axis(
          along,
          dots.map(({ px }) => px),
        ),
        label: bare(x),
      }}
      y={{
        ...axis(
          up,
          dots.map(({ py }) => py),
        ),
        label: bare(y),
      }}
    >
      {(toX, toY) =>
        dots.map(({ run, i, px, py }) => (
          <circle
            key={run.id}
            className="compare-dot"
            data-series={colour(run)}
            data-out={!inside.has(run.id) || undefined}
            cx={toX(px)}
            cy={toY(py)}
            r={5}
          >
            <title>{`${nameOf(run)}: ${bare(x)} ${shown(xs[i])}, ${bare(y)} ${shown(ys[i])}`}</title>
          </circle>
        ))
      }
    </Frame>
  );
}

function axis({ words }: Places, values: readonly number[]) {
  const [from, to] = words ? [-0.3, words.length - 0.7] : extent(values, 0.08);
  return { from, to, ...(words && { words: (value: number) => words[value] ?? "" }) };
}

export function bare(what: string): string {
  return what.replace(/^\w+\./, "");
}

function shown(value: Cell): string {
  return typeof value === "number" ? short(value, 4) : String(value);
}
