import { useSyncExternalStore } from "react";

export type Theme = "system" | "light" | "dark";
const KEY = "ostinato-theme";
const watchers = new Set<() => void>();

/** The theme that was chosen; `system` follows the system. */
export function theme(): Theme {
  const kept = localStorage.getItem(KEY);
  return kept === "light" || kept === "dark" ? kept : "system";
}

export function setTheme(chosen: Theme): void {
  if (chosen === "system") localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, chosen);
  applyTheme();
}

export function applyTheme(): void {
  const chosen = theme();
  if (chosen === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
  for (const tell of watchers) tell();
}

export function useTheme(): Theme {
  return useSyncExternalStore(watch, theme);
}

/** Whether the page is dark now, by choice or by the system; for canvases, which do not follow by themselves. */
export function useDark(): boolean {
  return useSyncExternalStore(watch, () => (theme() === "system" ? systemDark().matches : theme() === "dark"));
}

function systemDark(): MediaQueryList {
  return matchMedia("(prefers-color-scheme: dark)");
}

function watch(tell: () => void): () => void {
  const system = systemDark();
  watchers.add(tell);
  system.addEventListener("change", tell);
  return () => {
    watchers.delete(tell);
    system.removeEventListener("change", tell);
  };
}
