import { type KeyboardEvent, type PointerEvent, type RefObject, useRef, useState } from "react";
import type uPlot from "uplot";
import type { Joined } from "./lines";
import type { Point } from "./tooltip";

const ENDS: Readonly<Record<string, number>> = { Home: 0, End: Number.POSITIVE_INFINITY };

/** The point under the cursor: moved by pointer and arrows, held by a click or Enter, let go by Escape. */
export function usePin(chart: RefObject<uPlot | undefined>, joined: Joined | undefined, onReset: () => void) {
  const [point, setPoint] = useState<Point>();
  const [pinned, setPinned] = useState(false);
  const pressed = useRef(0);
  const unpin = () => {
    setPinned(false);
    setPoint(undefined);
  };
  const onPoint = (made: uPlot) => {
    if (!pinned) setPoint(pointOf(made));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (event.target !== event.currentTarget) return;
    if (event.key === "Escape") pinned ? unpin() : onReset();
    else if (event.key === "Enter") setPinned(!pinned && point !== undefined);
    else if ((step || ENDS[event.key] !== undefined) && chart.current && joined) {
      event.preventDefault();
      walk(chart.current, joined, ENDS[event.key] ?? (point?.index ?? -1) + step * (event.shiftKey ? 10 : 1));
    }
  };
  const onPointerDown = (event: PointerEvent) => {
    pressed.current = event.clientX;
  };
  // A press that moved was a zoom.
  const onPointerUp = (event: PointerEvent) => {
    const onPlot = event.target instanceof Element && event.target.closest(".u-over");
    if (!onPlot || Math.abs(event.clientX - pressed.current) > 3) return;
    if (pinned) unpin();
    else setPinned(point !== undefined);
  };
  return { point, pinned, unpin, onPoint, handlers: { onKeyDown, onPointerDown, onPointerUp } };
}

function pointOf(chart: uPlot): Point | undefined {
  const { idx, idxs, left = -1, top = -1 } = chart.cursor;
  if (idx == null || left < 0) return undefined;
  const near = (idxs ?? []).filter((_, i) => i % 3 === 1);
  return {
    index: idx,
    near: near.map((i) => i ?? null),
    left: left + chart.over.offsetLeft,
    top: Math.max(0, top - 24),
  };
}

function walk(chart: uPlot, { x }: Joined, index: number) {
  const at = x[Math.max(0, Math.min(x.length - 1, index))];
  if (at === undefined) return;
  chart.setCursor({ left: chart.valToPos(at, "x"), top: chart.over.clientHeight / 3 });
}
