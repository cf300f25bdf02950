/** The addresses that MLflow's clients print ("View run at: …/#/experiments/1/runs/2"), as addresses of ours. */
const PLACES: readonly [RegExp, (found: readonly string[], search: URLSearchParams) => string][] = [
  [/^experiments\/[^/]+\/runs\/([^/]+)/, ([run]) => `runs/${run}`],
  [
    /^experiments\/([^/]+)(?:\/|$)/,
    ([experiment], search) => {
      const run = search.get("selectedRunUuid");
      const trace = search.get("selectedEvaluationId") ?? search.get("selectedTraceId");
      if (run) return `runs/${encodeURIComponent(run)}`;
      return trace ? `traces/${encodeURIComponent(trace)}` : `experiments/${experiment}`;
    },
  ],
  [/^models\/([^/]+)\/versions\/(\d+)/, ([model, version]) => `models/${model}/versions/${version}`],
  [/^models\/([^/]+)/, ([model]) => `models/${model}`],
];

/** Where such an address leads, or undefined for any other. Without a project in it, that is `project`. */
export function mlflowPath(pathname: string, hash: string, project: string): string | undefined {
  const [, named] = /^\/mlflow\/([^/]+)\/?$/.exec(pathname) ?? [];
  if (named === undefined && pathname !== "/") return undefined;
  const [path = "", query = ""] = hash.replace(/^#\//, "").split("?", 2);
  for (const [shape, lead] of PLACES) {
    const found = shape.exec(path);
    if (found) return `/${named ?? project}/${lead(found.slice(1), new URLSearchParams(query))}`;
  }
  return named && `/${named}`;
}

/** Puts the address of ours in the place of one of MLflow's; whether it was one. */
export function takeMlflowLink(project: string): boolean {
  const path = mlflowPath(location.pathname, location.hash, project);
  if (path) history.replaceState(null, "", path);
  return path !== undefined;
}
