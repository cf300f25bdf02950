import type { PageRoute } from "../kernel/page";

export const routes: PageRoute[] = [];
