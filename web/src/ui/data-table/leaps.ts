import { defaultRangeExtractor, type Range } from "@tanstack/react-virtual";
import { type FocusEvent, type RefObject, useCallback, useLayoutEffect, useRef } from "react";

/** Which rows are drawn: more than are in view, for what comes next; but not amid a leap, where they would be gone unseen. */
export function useRange(): (range: Range) => number[] {
  const before = useRef(0);
  return useCallback((range) => {
    const leap = Math.abs(range.startIndex - before.current);
    before.current = range.startIndex;
    return defaultRangeExtractor(leap > range.overscan ? { ...range, overscan: 1 } : range);
  }, []);
}

interface View {
  /** Rows that are drawn. */
  first: number;
  last: number;
  active: number;
  frame: RefObject<HTMLElement | null>;
  point: (index: number) => void;
}

/**
 * The key of a row's line: its place, so that a line stays while its row does. After a leap the lines that stand there are given to the
 * rows that come, for it costs less to write a line anew than to make one. The focus never leaps along: it returns to the table.
 */
export function useLeaps({ first, last, active, frame, point }: View) {
  const before = useRef({ first, shift: 0 });
  const within = useRef(false);
  const leap = first - before.current.first;
  const held = within.current && active >= first && active <= last;
  const far = Math.abs(leap) > (last - first) / 2 && !held;
  before.current = { first, shift: before.current.shift + (far ? leap : 0) };
  useLayoutEffect(() => {
    if (!within.current || (active >= first && active <= last)) return;
    within.current = false;
    frame.current?.focus({ preventScroll: true });
  }, [first, last, active, frame]);
  return {
    keyOf: (index: number) => index - before.current.shift,
    onFocus: ({ target }: FocusEvent) => {
      const row = target.closest(".data-row")?.getAttribute("aria-rowindex");
      within.current = row != null;
      if (row != null) point(Number(row) - 2);
    },
    onBlur: () => {
      within.current = false;
    },
  };
}
