import { type PageRoute, page } from "../kernel/page";
import { datasetQuery, datasetsQuery } from "./queries";

export const routes: PageRoute[] = [
  page("data", () => import("./pages/datasets"), "DatasetsPage", () => [datasetsQuery]),
  page("data/$name", () => import("./pages/dataset"), "DatasetPage", ({ name = "" }) => [datasetQuery(name)]),
];
