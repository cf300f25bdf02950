import { type RefObject, useEffect, useLayoutEffect, useRef, useState } from "react";

/** Below this many pixels a place is one for cards rather than for columns. */
export const NARROW = 640;

/** Calls back when the element changes its size. */
function useResize(ref: RefObject<HTMLElement | null>, changed: (element: HTMLElement) => void) {
  const latest = useRef(changed);
  latest.current = changed;
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    latest.current(element); // before it is painted, so that nothing jumps
    const observer = new ResizeObserver(() => latest.current(element));
    observer.observe(element);
    return () => observer.disconnect();
  }, [ref]);
}

/** The width that an element has got, in whole pixels; 0 before it is laid out. */
export function useWidth<E extends HTMLElement = HTMLDivElement>(): [RefObject<E | null>, number] {
  const ref = useRef<E>(null);
  const [width, setWidth] = useState(0);
  useResize(ref, (element) => setWidth(Math.floor(element.clientWidth)));
  return [ref, width];
}

/**
 * Whether an element has more to show than fits: beside each other (`wide`) or at all (`scrolls`), and whether it is narrow. What
 * `gives` way where it is both wide and narrow, needs from then on the width that it had needed.
 */
export function useOverflow<E extends HTMLElement = HTMLDivElement>(
  gives = false,
): { ref: RefObject<E | null>; wide: boolean; scrolls: boolean; narrow: boolean } {
  const ref = useRef<E>(null);
  const [needed, setNeeded] = useState(0);
  const [narrow, setNarrow] = useState(false);
  const [tall, setTall] = useState(false);
  useResize(ref, ({ clientWidth, scrollWidth, clientHeight, scrollHeight }) => {
    setNarrow(clientWidth < NARROW);
    setTall(scrollHeight > clientHeight + 1);
    const given = gives && narrow && needed > clientWidth;
    if (!given) setNeeded(scrollWidth > clientWidth + 1 ? scrollWidth : 0);
  });
  return { ref, wide: needed > 0, scrolls: needed > 0 || tall, narrow };
}

/** Whether an element has come near the viewport, once and for all: what nobody has scrolled to is not drawn. */
export function useSeen(ref: RefObject<HTMLElement | null>): boolean {
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    if (!ref.current || seen) return;
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && setSeen(true), {
      rootMargin: "200px",
    });
    observer.observe(ref.current);
    return () => observer.disconnect();
  }, [ref, seen]);
  return seen;
}
