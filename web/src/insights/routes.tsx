import { type PageRoute, pages } from "../kernel/page";
import { FIELDS } from "./windows";

const page = pages(() => import("./queries"));

export const routes: PageRoute[] = [
  page(
    "insights",
    () => import("./pages/insights"),
    "InsightsPage",
    (q, _, { days }) => [q.practiceQuery(FIELDS.days.read([days ?? []].flat()))],
  ),
];
