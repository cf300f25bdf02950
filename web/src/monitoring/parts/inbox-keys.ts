import { useEffect, useRef } from "react";
import type { Finding } from "../queries";

interface Keys {
  order: readonly Finding[];
  open: string;
  choose: (finding: string) => void;
  toggle: (finding: string) => void;
  take: () => void;
}

/** j and k walk the list from anywhere on the page, x ticks, a acknowledges; not while one writes or a dialog is open. */
export function useInboxKeys(keys: Keys): void {
  const latest = useRef(keys);
  latest.current = keys;
  const place = useRef(0);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isElsewhere(event.target)) return;
      const { order, open, choose, toggle, take } = latest.current;
      const here = order.findIndex(({ id }) => id === open);
      if (here >= 0) place.current = here;
      const step = { j: 1, k: -1 }[event.key];
      if (step !== undefined) {
        // What is no longer in the list leaves its place to the one that moved up.
        const next = order[Math.max(0, Math.min(order.length - 1, place.current + (here < 0 && step > 0 ? 0 : step)))];
        if (next) {
          choose(next.id);
          document.getElementById(`finding-${next.id}`)?.focus();
        }
      } else if (event.key === "x") toggle(open);
      else if (event.key === "a") take();
      else return;
      event.preventDefault();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
}

function isElsewhere(target: EventTarget | null): boolean {
  if (document.querySelector("dialog[open]")) return true;
  return target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) && !isTick(target);
}

function isTick(target: HTMLElement): boolean {
  return target instanceof HTMLInputElement && target.type === "checkbox";
}
