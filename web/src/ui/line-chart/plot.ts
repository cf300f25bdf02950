import { type RefObject, useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { resolver } from "./colours";
import type { Joined, Range } from "./lines";
import { type Look, options } from "./options";

interface Plot {
  /** Set to the chart while there is one. */
  chart: RefObject<uPlot | undefined>;
  frame: RefObject<HTMLDivElement | null>;
  look: Look;
  joined: Joined | undefined;
  range: Range | undefined;
  width: number;
  /** Only for drawing again: a canvas does not follow the theme by itself. */
  dark: boolean;
  onSelect: (range: Range) => void;
  onReset: () => void;
  onPoint: (chart: uPlot) => void;
  onDrawn: (chart: uPlot) => void;
}

/** Keeps a uPlot in step with React: made anew when its look changes, otherwise told new points, span and width. */
export function usePlot({ chart, frame, look, joined, range, width, dark, ...told }: Plot) {
  const latest = useRef(told);
  latest.current = told;
  const ready = joined !== undefined && width > 0;
  // biome-ignore lint/correctness/useExhaustiveDependencies: width and points are told to the chart that exists
  useEffect(() => {
    if (!frame.current || !ready) return;
    const colour = resolver(frame.current);
    const steps = uPlot.paths.stepped?.({ align: 1 });
    const made = new uPlot(
      options(look, colour, width, steps, {
        onSelect: (to) => latest.current.onSelect(to),
        onReset: () => latest.current.onReset(),
        onPoint: (at) => latest.current.onPoint(at),
        onDrawn: (at) => latest.current.onDrawn(at),
      }),
      undefined,
      frame.current,
    );
    chart.current = made;
    return () => {
      made.destroy();
      chart.current = undefined;
    };
  }, [frame, look, ready, dark]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a chart made anew has to be told again
  useEffect(() => {
    const made = chart.current;
    if (!made || !joined) return;
    made.batch(() => {
      made.setData(aligned(joined), range === undefined);
      if (range) made.setScale("x", { min: range[0], max: range[1] });
    });
  }, [joined, range, look, ready, dark]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a ref is no dependency
  useEffect(() => {
    const made = chart.current;
    if (made && width > 0) made.setSize({ width, height: look.height });
  }, [width, look]);
}

function aligned({ x, lines }: Joined): uPlot.AlignedData {
  const none: undefined[] = new Array(x.length).fill(undefined);
  return [x, ...lines.flatMap(({ y, lo, hi }) => [y, lo ?? none, hi ?? none])] as uPlot.AlignedData;
}
