import { type PageRoute, pages } from "../kernel/page";

const page = pages(() => import("./queries"));

export const routes: PageRoute[] = [
  page(
    "data",
    () => import("./pages/datasets"),
    "DatasetsPage",
    (q) => [q.statesQuery],
  ),
  page(
    "data/$name",
    () => import("./pages/dataset"),
    "DatasetPage",
    (q, { name = "" }, { at }) => [q.storyQuery(name, typeof at === "string" ? at : undefined)],
  ),
  page(
    "data/$name/diff",
    () => import("./pages/diff"),
    "DiffPage",
    (q, { name = "" }) => [q.storyQuery(name, undefined)],
  ),
];
