import { type PageRoute, pages } from "../kernel/page";

const page = pages(() => import("./queries"));

export const routes: PageRoute[] = [
  page(
    "features",
    () => import("./pages/views"),
    "ViewsPage",
    (q) => [q.viewsQuery],
  ),
  page(
    "features/$view",
    () => import("./pages/view"),
    "ViewPage",
    (q, { view = "" }) => [q.viewQuery(view)],
  ),
];
