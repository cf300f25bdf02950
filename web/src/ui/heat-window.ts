import { type RefObject, useEffect, useState } from "react";

/** Up to so many cells all are there at once. */
const ALL = 5000;
const SPARE = 8;

/** Rows to draw, each with the rows left out before it; and how many are left out at the end. */
export interface Drawn {
  rows: readonly { row: number; before: number }[];
  after: number;
}

/** The rows in view, some around them, and the one that the keyboard is at, however far away. */
export function drawn(count: number, [from, to]: readonly [number, number], active: number): Drawn {
  const wanted: number[] = [];
  for (let row = Math.max(0, from); row <= Math.min(count - 1, to); row++) wanted.push(row);
  if (active < count && !wanted.includes(active)) wanted.push(active);
  wanted.sort((a, b) => a - b);
  const rows = wanted.map((row, i) => ({ row, before: row - (wanted[i - 1] ?? -1) - 1 }));
  return { rows, after: count - 1 - (wanted.at(-1) ?? -1) };
}

/** Of a large grid the rows in view, as the page scrolls; of a small one all. */
export function useDrawn(
  body: RefObject<HTMLElement | null>,
  [rows, columns]: readonly [number, number],
  active: number,
  height: number,
): Drawn {
  const large = rows * columns > ALL;
  const [view, setView] = useState<readonly [number, number]>([0, 40]);
  useEffect(() => {
    if (!large) return;
    const look = () => {
      const top = body.current?.getBoundingClientRect().top ?? 0;
      const from = Math.floor(-top / height) - SPARE;
      const to = Math.ceil((innerHeight - top) / height) + SPARE;
      setView((before) => (before[0] === from && before[1] === to ? before : [from, to]));
    };
    look();
    addEventListener("scroll", look, { passive: true, capture: true });
    addEventListener("resize", look);
    return () => {
      removeEventListener("scroll", look, { capture: true });
      removeEventListener("resize", look);
    };
  }, [large, body, height]);
  return drawn(rows, large ? view : [0, rows - 1], active);
}
