import { type PageRoute, pages } from "../kernel/page";

const page = pages(() => import("./queries"));

export const routes: PageRoute[] = [
  page("traces", () => import("./pages/traces"), "TracesPage"),
  page(
    "traces/$trace",
    () => import("./pages/trace"),
    "TracePage",
    (q, { trace = "" }) => [q.traceQuery(trace), q.spansQuery(trace)],
  ),
  page(
    "evalsets",
    () => import("./pages/evalsets"),
    "EvalSetsPage",
    (q) => [q.evalsetsQuery],
  ),
  page(
    "evalsets/$evalset",
    () => import("./pages/evalset"),
    "EvalSetPage",
    (q, { evalset = "" }) => [q.evalsetQuery(evalset)],
  ),
];
