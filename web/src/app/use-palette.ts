import { useEffect, useState } from "react";

/** Whether the palette is open; `/` and ⌘K (or Ctrl K) open it from anywhere. */
export function usePalette() {
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const listen = (event: globalThis.KeyboardEvent) => {
      const commanded = event.key.toLowerCase() === "k" && (event.metaKey || event.ctrlKey);
      const slashed = event.key === "/" && !event.metaKey && !event.ctrlKey && !event.altKey && !isTyping(event.target);
      if ((!commanded && !slashed) || event.defaultPrevented) return;
      event.preventDefault();
      setShown(true);
    };
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  }, []);
  return { shown, open: () => setShown(true), close: () => setShown(false) };
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.closest("input, textarea, select, dialog[open]") !== null)
  );
}
