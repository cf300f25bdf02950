import type { QueryClient } from "@tanstack/react-query";
import { type AnyRoute, createRoute, lazyRouteComponent } from "@tanstack/react-router";
import type { ComponentType } from "react";

/** What a page will ask first: fetched beside its code, and already when a pointer rests on a link to it. */
export type Asked<Queries> = (
  queries: Queries,
  params: Readonly<Record<string, string>>,
  search: Readonly<Record<string, string | string[] | undefined>>,
) => readonly { queryKey: readonly unknown[] }[];

export type PageRoute = (parent: AnyRoute) => AnyRoute;

/**
 * Pages at paths below the project, each in a chunk of its own, and so the queries of their slice:
 *
 *     const page = pages(() => import("./queries"));
 *     export const routes: PageRoute[] = [
 *       page("data/$name", () => import("./pages/dataset"), "DatasetPage", (q, { name }) => [q.datasetQuery(name)]),
 *     ];
 */
export function pages<Queries>(queries: () => Promise<Queries>) {
  return <Name extends string>(
    path: string,
    load: () => Promise<Record<Name, ComponentType>>,
    component: Name,
    asked?: Asked<Queries>,
  ): PageRoute =>
    (parent) =>
      createRoute({
        getParentRoute: () => parent,
        path,
        component: lazyRouteComponent(load as () => Promise<Record<string, ComponentType>>, component),
        loaderDeps: ({ search }) => search as Record<string, string>,
        loader: async ({ params, deps, context }) => {
          if (asked === undefined) return;
          const { queries: client } = context as unknown as { queries: QueryClient };
          for (const query of asked(await queries(), params as Record<string, string>, deps))
            void client.prefetchQuery(query as never);
        },
      }) as unknown as AnyRoute;
}
