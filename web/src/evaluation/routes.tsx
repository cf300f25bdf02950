import { type PageRoute, pages } from "../kernel/page";

const page = pages(() => import("./queries"));

export const routes: PageRoute[] = [
  page(
    "evaluations/$id",
    () => import("./pages/evaluation"),
    "EvaluationPage",
    (q, { id = "" }) => [q.figuresQuery(id)],
  ),
];
