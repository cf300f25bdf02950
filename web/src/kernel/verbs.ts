import { useEffect, useSyncExternalStore } from "react";

/** Something that a person can do on the page in view; the palette lists it. */
export interface Verb {
  label: string;
  run: () => void;
  /** `true`, or the reason why not. */
  enabled?: boolean | string;
}

const shown = new Map<symbol, readonly Verb[]>();
const watchers = new Set<() => void>();
let all: readonly Verb[] = [];

function changed(): void {
  all = [...shown.values()].flat();
  for (const tell of watchers) tell();
}

/** Offers the verbs of a page in the palette while it is in view. */
export function useVerbs(verbs: readonly Verb[]): void {
  useEffect(() => {
    const id = Symbol("verbs");
    shown.set(id, verbs);
    changed();
    return () => {
      shown.delete(id);
      changed();
    };
  }, [verbs]);
}

export function usePresentVerbs(): readonly Verb[] {
  return useSyncExternalStore(
    (tell) => {
      watchers.add(tell);
      return () => watchers.delete(tell);
    },
    () => all,
  );
}
