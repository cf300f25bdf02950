import { type PageRoute, pages } from "../kernel/page";

const page = pages(() => import("./queries"));

export const routes: PageRoute[] = [
  page(
    "monitors",
    () => import("./pages/monitors"),
    "MonitorsPage",
    (q) => [q.statesQuery],
  ),
  page(
    "monitors/$monitor",
    () => import("./pages/monitor"),
    "MonitorPage",
    (q, { monitor = "" }, { at }) => {
      const then = typeof at === "string" ? at : undefined;
      return [q.storyQuery(monitor, then), q.heatQuery(monitor, "drift", then), q.performanceQuery(monitor, then)];
    },
  ),
  page(
    "windows/$window",
    () => import("./pages/window"),
    "WindowPage",
    (q, { window = "" }) => [q.windowQuery(window)],
  ),
  page(
    "findings",
    () => import("./pages/findings"),
    "FindingsPage",
    (q) => [q.statesQuery, q.alertsQuery],
  ),
];
