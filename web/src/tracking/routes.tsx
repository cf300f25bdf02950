import { type PageRoute, pages } from "../kernel/page";

const page = pages(() => import("./queries"));

export const routes: PageRoute[] = [
  page(
    "runs",
    () => import("./pages/runs"),
    "RunsPage",
    (q, _, search) => [q.experimentsQuery, q.indexAt(search)],
  ),
  page(
    "runs/deleted",
    () => import("./pages/deleted"),
    "DeletedPage",
    (q) => [q.deletedExperimentsQuery],
  ),
  page("runs/compare", () => import("./pages/compare"), "ComparePage"),
  page(
    "runs/$id",
    () => import("./pages/run"),
    "RunPage",
    (q, { id = "" }) => [q.storyQuery(id)],
  ),
];
