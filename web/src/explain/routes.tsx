import { type PageRoute, pages } from "../kernel/page";

const page = pages(() => import("./queries"));

export const routes: PageRoute[] = [
  page(
    "explanations/$id",
    () => import("./pages/explanation"),
    "ExplanationPage",
    (q, { id = "" }) => [q.explanationQuery(id)],
  ),
];
