import { type PageRoute, pages } from "../kernel/page";

const page = pages(() => import("./queries"));

export const routes: PageRoute[] = [
  page(
    "ledger",
    () => import("./pages/ledger"),
    "LedgerPage",
    (q) => [q.sealQuery],
  ),
  page("lineage/$ref", () => import("./pages/lineage"), "LineagePage"),
];
