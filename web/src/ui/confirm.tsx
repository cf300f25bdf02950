import { type FormEvent, type ReactNode, useCallback, useId, useState, useSyncExternalStore } from "react";
import { Button } from "./button";
import { Dialog } from "./dialog";
import { ErrorBox } from "./error-box";
import { Field } from "./field";

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

interface Asked extends Question {
  settle: (answer: { reason: string } | null) => void;
}

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
    (question: Question) => new Promise<{ reason: string } | null>((settle) => show({ ...question, settle })),
    [],
  );
}

/** Mounted once, by the shell. */
export function ConfirmHost() {
  const question = useSyncExternalStore(subscribe, () => asked);
  return question && <ConfirmDialog {...question} />;
}

function ConfirmDialog({ title, text, verb, danger = false, reason: wanted, act, settle }: Asked) {
  const [reason, setReason] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const form = useId();
  const close = (answer: { reason: string } | null) => {
    show(null);
    settle(answer);
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    try {
      await act?.(reason.trim());
      close({ reason: reason.trim() });
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  const actions = (
    <>
      <Button onClick={() => close(null)}>Cancel</Button>
      <Button type="submit" form={form} kind={danger ? "danger" : "primary"} busy={busy}>
        {verb}
      </Button>
    </>
  );
  return (
    <Dialog title={title} onClose={() => close(null)} actions={actions}>
      {text && <div>{text}</div>}
      <form id={form} onSubmit={submit}>
        {wanted && (
          <Field label={wanted === "required" ? "Reason" : "Reason (optional)"} hint="Kept in the ledger.">
            <textarea
              rows={3}
              required={wanted === "required"}
              value={reason}
              onChange={(event) => setReason(event.target.value)}
            />
          </Field>
        )}
      </form>
      {error !== null && <ErrorBox error={error} />}
    </Dialog>
  );
}
