import { type PageRoute, pages } from "../kernel/page";

const page = pages(() => import("./queries"));

export const routes: PageRoute[] = [
  page(
    "access",
    () => import("./pages/access"),
    "AccessPage",
    (q) => [q.rolesQuery],
  ),
];
