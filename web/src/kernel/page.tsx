import type { QueryClient } from "@tanstack/react-query";
import { type AnyRoute, createRoute, lazyRouteComponent } from "@tanstack/react-router";
import type { ComponentType } from "react";

/** What a page will ask first: fetched with its code, and already when a pointer rests on a link to it. */
export type Asked = (
  params: Readonly<Record<string, string>>,
  search: Readonly<Record<string, string | string[] | undefined>>,
) => readonly { queryKey: readonly unknown[] }[];

export type PageRoute = (parent: AnyRoute) => AnyRoute;

/**
 * A page at a path below the project, in a chunk of its own:
 *
 *     export const routes: PageRoute[] = [
 *       page("data/$name", () => import("./pages/dataset"), "DatasetPage", ({ name }) => [datasetQuery(name)]),
 *     ];
 */
export function page<Name extends string>(
  path: string,
  load: () => Promise<Record<Name, ComponentType>>,
  component: Name,
  asked?: Asked,
): PageRoute {
  return (parent) =>
    createRoute({
      getParentRoute: () => parent,
      path,
      component: lazyRouteComponent(load as () => Promise<Record<string, ComponentType>>, component),
      loaderDeps: ({ search }) => search as Record<string, string>,
      loader: ({ params, deps, context }) => {
        const { queries } = context as unknown as { queries: QueryClient };
        for (const query of asked?.(params as Record<string, string>, deps) ?? [])
          void queries.prefetchQuery(query as never);
      },
    }) as unknown as AnyRoute;
}
