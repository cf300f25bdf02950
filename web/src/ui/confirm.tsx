import { lazy, type ReactNode, Suspense, useCallback, useSyncExternalStore } from "react";

export interface Question {
  /** The act and its subject: "Approve late@7?" */
  title: string;
  /** What will happen, and what will not. */
  text?: ReactNode;
  /** The button's word, the same verb as in the title. */
  verb: string;
  danger?: boolean;
  /** Asks for a reason, which the ledger keeps. */
  reason?: "required" | "optional";
  /** Runs before the dialog closes; what it throws is shown there, and the dialog stays. */
  act?: (reason: string) => Promise<unknown>;
}

export interface Asked extends Question {
  settle: (answer: { reason: string } | null) => void;
}

const ConfirmDialog = lazy(async () => ({ default: (await import("./confirm-dialog")).ConfirmDialog }));
let asked: Asked | null = null;
const listeners = new Set<() => void>();

function show(next: Asked | null) {
  asked = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Asks before an act: `const answer = await confirm({…})` is `{reason}` or null. */
export function useConfirm() {
  return useCallback(
    (question: Question) =>
      new Promise<{ reason: string } | null>((tell) => {
        const settle: Asked["settle"] = (answer) => {
          show(null);
          tell(answer);
        };
        show({ ...question, settle });
      }),
    [],
  );
}

/** Mounted once, by the shell. */
export function ConfirmHost() {
  const question = useSyncExternalStore(subscribe, () => asked);
  return (
    question && (
      <Suspense>
        <ConfirmDialog {...question} />
      </Suspense>
    )
  );
}
