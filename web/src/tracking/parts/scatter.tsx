import { short } from "../../kernel/number";
import { Frame } from "../../ui/plots/frame";
import { extent } from "../../ui/plots/scale";
import type { Comparison, Run } from "../queries";
import { places, valuesOf } from "./arrange";
import { type Cell, toNumber } from "./cells";

interface ScatterProps {
  comparison: Comparison;
  /** `params.depth` and `metrics.auc`. */
  x: string;
  y: string;
  nameOf: (run: Run) => string;
  colour: (run: Run) => number | undefined;
}

/** A parameter against a metric: a dot for each run that has both. */
export function Scatter({ comparison, x, y, nameOf, colour }: ScatterProps) {
  const [xs, ys] = [valuesOf(comparison, x), valuesOf(comparison, y)];
  const along = places(xs);
  const dots = comparison.runs.flatMap((run, i) => {
    const [px, py] = [along.at(xs[i]), toNumber(ys[i])];
    return px !== undefined && py !== undefined && Number.isFinite(py) ? [{ run, i, px, py }] : [];
  });
  if (dots.length === 0) return <p className="muted">No run has both.</p>;
  const xSpan = extent(along.words ? [-0.3, along.words.length - 0.7] : dots.map(({ px }) => px));
  const ySpan = extent(
    dots.map(({ py }) => py),
    0.08,
  );
  const name = (what: string) => what.replace(/^\w+\./, "");
  return (
    <Frame
      label={`${name(y)} against ${name(x)}`}
      height={300}
      x={{
        from: xSpan[0],
        to: xSpan[1],
        label: name(x),
        ...(along.words && { words: (value: number) => along.words?.[value] ?? "" }),
      }}
      y={{ from: ySpan[0], to: ySpan[1], label: name(y) }}
    >
      {(toX, toY) =>
        dots.map(({ run, i, px, py }) => (
          <circle key={run.id} className="compare-dot" data-series={colour(run)} cx={toX(px)} cy={toY(py)} r={5}>
            <title>{`${nameOf(run)}: ${name(x)} ${shown(xs[i])}, ${name(y)} ${short(py, 4)}`}</title>
          </circle>
        ))
      }
    </Frame>
  );
}

function shown(value: Cell): string {
  return typeof value === "number" ? short(value, 4) : String(value);
}
