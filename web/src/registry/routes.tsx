import { type PageRoute, pages } from "../kernel/page";

const page = pages(() => import("./queries"));

export const routes: PageRoute[] = [
  page(
    "models",
    () => import("./pages/models"),
    "ModelsPage",
    (q) => [q.statesQuery],
  ),
  page(
    "models/$model",
    () => import("./pages/model"),
    "ModelPage",
    (q, { model = "" }, { at }) => [q.storyQuery(model, typeof at === "string" ? at : undefined)],
  ),
  page(
    "models/$model/compare",
    () => import("./pages/compare"),
    "ComparePage",
    () => [],
  ),
  page(
    "models/$model/versions/$version",
    () => import("./pages/version"),
    "VersionPage",
    (q, { model, version }, { at }) => [q.reviewQuery(`${model}@${version}`, typeof at === "string" ? at : undefined)],
  ),
];
