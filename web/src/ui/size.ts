import { type RefObject, useEffect, useRef, useState } from "react";

/** Calls back when the element changes its size. */
function useResize(ref: RefObject<HTMLElement | null>, changed: (element: HTMLElement) => void) {
  const latest = useRef(changed);
  latest.current = changed;
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    latest.current(element);
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

/** Whether an element has more to show than fits beside each other. */
export function useOverflow<E extends HTMLElement = HTMLDivElement>(): [RefObject<E | null>, boolean] {
  const ref = useRef<E>(null);
  const [overflows, setOverflows] = useState(false);
  useResize(ref, (element) => setOverflows(element.scrollWidth > element.clientWidth + 1));
  return [ref, overflows];
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
