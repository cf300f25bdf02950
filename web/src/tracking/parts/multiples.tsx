import { useQueries } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { short } from "../../kernel/number";
import { useProject } from "../../kernel/project";
import { extent, linear } from "../../ui/plots/scale";
import { Skeleton } from "../../ui/skeleton";
import { type Run, shapeQuery } from "../queries";
import type { Over } from "./overlay";
import { smooth } from "./smooth";

export const MULTIPLES = 36;
const [WIDTH, HEIGHT] = [200, 88];

interface MultiplesProps {
  runs: readonly Run[];
  metric: string;
  nameOf: (run: Run) => string;
  over: Over;
  smoothing: number;
}

interface Shape {
  run: Run;
  x: readonly number[];
  y: readonly (number | null)[];
}

/** One small plot for each run, all on the same axes, the others faint behind it: no legend to look up. */
export function Multiples({ runs, metric, nameOf, over, smoothing }: MultiplesProps) {
  const project = useProject();
  const answers = useQueries({
    queries: runs.map((run) => shapeQuery(run.id, metric, over === "step" ? "step" : "time")),
  });
  const known = answers.every(({ data }) => data);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the answers are another list at every rendering
  const drawn = useMemo(
    () =>
      known
        ? pathsOf(
            runs,
            answers.map(({ data }) => data),
            over,
            smoothing,
          )
        : undefined,
    [known, runs, over, smoothing],
  );
  if (!drawn) return <Skeleton height={3 * HEIGHT} />;
  const { lines, all, x, y } = drawn;
  return (
    <>
      <p className="muted">
        Each of {runs.length} on the same axes: {words(over)} {short(x[0])} to {short(x[1])}, {metric} {short(y[0], 4)}{" "}
        to {short(y[1], 4)}
      </p>
      <ul className="compare-multiples">
        {lines.map(({ run, path, last }) => (
          <li key={run.id}>
            <Link to={`/${project}/runs/${run.id}`}>
              <span className="compare-multiple-name">{nameOf(run)}</span>
              <span className="num">{last === undefined ? "–" : short(last, 4)}</span>
              <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden>
                <path className="compare-others" d={all} />
                <path className="compare-own" d={path} />
              </svg>
            </Link>
          </li>
        ))}
      </ul>
    </>
  );
}

type Answer = { x: ArrayLike<number>; mean: ArrayLike<number | null> } | undefined;

function pathsOf(runs: readonly Run[], answers: readonly Answer[], over: Over, smoothing: number) {
  const shapes = runs.flatMap((run, i): Shape[] => {
    const found = answers[i];
    if (!found || found.x.length === 0) return [];
    const start = over === "since" ? (found.x[0] ?? 0) : 0;
    const unit = over === "step" ? 1 : 1e6;
    const y = smoothing ? smooth(found.mean, smoothing) : Array.from(found.mean);
    return [{ run, x: Array.from(found.x, (x) => (x - start) / unit), y }];
  });
  const x = extent(
    shapes.flatMap((shape) => shape.x),
    0,
  );
  const y = extent(
    shapes.flatMap((shape) => shape.y),
    0.04,
  );
  const [toX, toY] = [linear(x, [1, WIDTH - 1]), linear(y, [HEIGHT - 1, 1])];
  const lines = shapes.map((shape) => ({
    run: shape.run,
    path: pathOf(shape, toX, toY),
    last: shape.y.findLast((value): value is number => value !== null && Number.isFinite(value)),
  }));
  return { lines, all: lines.map(({ path }) => path).join(""), x, y };
}

/** Gaps stay gaps. */
function pathOf({ x, y }: Shape, toX: (x: number) => number, toY: (y: number) => number): string {
  let pen = "M";
  return x
    .map((at, i) => {
      const value = y[i];
      if (value === null || value === undefined || !Number.isFinite(value)) {
        pen = "M";
        return "";
      }
      const point = `${pen}${toX(at).toFixed(1)} ${toY(value).toFixed(1)}`;
      pen = "L";
      return point;
    })
    .join("");
}

function words(over: Over): string {
  return over === "step" ? "steps" : over === "since" ? "seconds since the start," : "time in seconds,";
}
