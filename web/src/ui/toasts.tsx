import { X } from "lucide-react";
import { useEffect, useState, useSyncExternalStore } from "react";
import { Button } from "./button";
import { Status } from "./status";
import "./toasts.css";

interface Toast {
  text: string;
  kind?: "ok" | "bad" | "info";
  /** Takes the act back; shown as a button. */
  undo?: () => unknown;
}

interface Shown extends Toast {
  id: number;
}

let shown: readonly Shown[] = [];
let count = 0;
const listeners = new Set<() => void>();

function set(next: readonly Shown[]) {
  shown = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const dismiss = (id: number) => set(shown.filter((item) => item.id !== id));

/** Says what was done: `toast({text: "Finding silenced", undo: () => send(…)})`. At most three stand at once. */
export function toast(item: Toast) {
  count += 1;
  set([...shown.slice(-2), { ...item, id: count }]);
}

/** Mounted once, by the shell. */
export function Toasts() {
  const items = useSyncExternalStore(subscribe, () => shown);
  return (
    <div className="toasts" role="status" aria-live="polite">
      {items.map((item) => (
        <ToastLine key={item.id} {...item} />
      ))}
    </div>
  );
}

const WORDS = { ok: "Done", bad: "Failed", info: "Note" };

function ToastLine({ id, text, kind = "ok", undo }: Shown) {
  const [held, setHeld] = useState(false);
  const lastsMs = undo ? 10_000 : kind === "bad" ? 12_000 : 5_000;
  useEffect(() => {
    if (held) return;
    const timer = setTimeout(() => dismiss(id), lastsMs);
    return () => clearTimeout(timer);
  }, [held, id, lastsMs]);
  const takeBack = async () => {
    dismiss(id);
    try {
      await undo?.();
    } catch (failure) {
      toast({ kind: "bad", text: failure instanceof Error ? failure.message : String(failure) });
    }
  };
  return (
    <div
      role="group"
      className="toast"
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
    >
      <Status kind={kind} word={WORDS[kind]} />
      <span className="toast-text">{text}</span>
      {undo && (
        <Button small onClick={() => void takeBack()}>
          Undo
        </Button>
      )}
      <Button small kind="quiet" aria-label="Dismiss" icon={<X aria-hidden />} onClick={() => dismiss(id)} />
    </div>
  );
}
