import type { QueryClient } from "@tanstack/react-query";
import {
  type AnyRoute,
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from "@tanstack/react-router";
import { routes as access } from "../access/routes";
import { routes as data } from "../data/routes";
import { routes as evaluation } from "../evaluation/routes";
import { routes as explain } from "../explain/routes";
import { routes as features } from "../features/routes";
import { routes as insights } from "../insights/routes";
import { speakOf } from "../kernel/api/client";
import { ApiError } from "../kernel/api/errors";
import { pages } from "../kernel/page";
import { lastProject, rememberProject } from "../kernel/project";
import { href } from "../kernel/ref";
import { sessionQuery, whoamiQuery } from "../kernel/session";
import { setClock } from "../kernel/time";
import { parseSearch, stringifySearch } from "../kernel/url";
import { routes as ledger } from "../ledger/routes";
import { routes as monitoring } from "../monitoring/routes";
import { routes as pipelines } from "../pipelines/routes";
import { routes as registry } from "../registry/routes";
import { routes as serving } from "../serving/routes";
import { routes as traces } from "../traces/routes";
import { routes as tracking } from "../tracking/routes";
import { PageError } from "./page-error";
import { Alone, PageNotFound } from "./page-not-found";
import { experimentQuery, projectsQuery } from "./queries";
import { Shell } from "./shell";

interface Context {
  queries: QueryClient;
}

const root = createRootRouteWithContext<Context>()({ component: Outlet, notFoundComponent: Alone });

const start = createRoute({
  getParentRoute: () => root,
  path: "/",
  beforeLoad: async ({ context }) => {
    const names = (await context.queries.ensureQueryData(projectsQuery)).map(({ name }) => name);
    const last = lastProject();
    throw redirect({ to: `/${names.includes(last) ? last : (names[0] ?? last)}`, replace: true });
  },
});

const page = pages(() => import("./home/queries"));

const signIn = createRoute({
  getParentRoute: () => root,
  path: "sign-in",
  component: lazyRouteComponent(() => import("./sign-in/sign-in"), "SignInPage"),
});

const project = createRoute({
  getParentRoute: () => root,
  path: "$project",
  beforeLoad: async ({ params, context, preload }) => {
    if (preload) return;
    if (speakOf(params.project)) context.queries.clear(); // what was asked was asked of another project
    const [who] = await Promise.all([
      context.queries.ensureQueryData(whoamiQuery),
      context.queries.ensureQueryData(sessionQuery),
      setClock(),
    ]);
    if (who.permissions.length === 0)
      throw new ApiError(404, { message: `There is no project ${params.project} for you.` });
    rememberProject(params.project);
  },
  errorComponent: (failed) => (
    <main>
      <PageError {...failed} />
    </main>
  ),
  component: Shell,
  notFoundComponent: PageNotFound,
});

const resolve = createRoute({
  getParentRoute: () => project,
  path: "r/$ref",
  beforeLoad: ({ params }) => {
    throw redirect({ to: href(params.project, params.ref), replace: true });
  },
});

const experiment = createRoute({
  getParentRoute: () => project,
  path: "experiments/$experiment",
  beforeLoad: async ({ params, context }) => {
    const { name } = await context.queries.ensureQueryData(experimentQuery(params.experiment));
    throw redirect({ to: `/${params.project}/runs`, search: { experiment: name } as never, replace: true });
  },
});

const own = [
  page(
    "/",
    () => import("./home/home"),
    "HomePage",
    (q) => [q.homeQuery, q.newsQuery],
  ),
  page("password", () => import("./sign-in/password"), "PasswordPage"),
  page("device", () => import("./sign-in/device"), "DevicePage"),
];
const slices = [
  data,
  features,
  tracking,
  traces,
  pipelines,
  evaluation,
  registry,
  explain,
  serving,
  monitoring,
  ledger,
  access,
  insights,
];
const gallery = import.meta.env.DEV ? [page("gallery", () => import("./gallery/gallery"), "GalleryPage")] : [];

const device = createRoute({
  getParentRoute: () => root,
  path: "device",
  beforeLoad: ({ location }) => {
    throw redirect({ to: `/${lastProject()}/device`, search: location.search as never, replace: true });
  },
});

export function newRouter(queries: QueryClient) {
  const pages: AnyRoute[] = [...own, ...slices.flat(), ...gallery].map((route) => route(project));
  return createRouter({
    routeTree: root.addChildren([start, signIn, device, project.addChildren([resolve, experiment, ...pages])]),
    context: { queries },
    parseSearch,
    stringifySearch,
    defaultPreload: "intent",
    defaultPreloadStaleTime: 0,
    defaultErrorComponent: PageError,
    scrollRestoration: true,
  });
}
