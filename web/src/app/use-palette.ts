import { useEffect, useMemo, useState } from "react";
import { useVerbs } from "../kernel/verbs";

/** What lies over the page: the palette, which `/` and ⌘K (or Ctrl K) open from anywhere, or the list of keys, which `?` opens. */
export function usePalette() {
  const [shown, show] = useState<"palette" | "keys">();
  useVerbs(useMemo(() => [{ label: "Keyboard shortcuts", run: () => show("keys") }], []));
  useEffect(() => {
    const listen = (event: globalThis.KeyboardEvent) => {
      const { key, metaKey, ctrlKey, altKey } = event;
      const commanded = key.toLowerCase() === "k" && (metaKey || ctrlKey);
      const plain = !metaKey && !ctrlKey && !altKey && !isTyping(event.target);
      const asked = commanded || (plain && key === "/") ? "palette" : plain && key === "?" ? "keys" : undefined;
      if (!asked || event.defaultPrevented) return;
      event.preventDefault();
      show(asked);
    };
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  }, []);
  return { shown, open: () => show("palette"), close: () => show(undefined) };
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.closest("input, textarea, select, dialog[open]") !== null)
  );
}
