import { useParams } from "@tanstack/react-router";

const KEY = "ostinato-project";

/** The project that the page in view belongs to. */
export function useProject(): string {
  const { project } = useParams({ strict: false }) as { project?: string };
  return project ?? lastProject();
}

/** The project that was looked at last, on this computer. */
export function lastProject(): string {
  return localStorage.getItem(KEY) ?? "default";
}

export function rememberProject(name: string): void {
  localStorage.setItem(KEY, name);
}
