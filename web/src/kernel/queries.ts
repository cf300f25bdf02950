import { QueryCache, QueryClient } from "@tanstack/react-query";
import { ApiError } from "./api/errors";

/** The cache of what was asked. What changes is told by live.ts, so nothing is asked again for its age alone. */
export function newQueries(onSignedOut: () => void): QueryClient {
  return new QueryClient({
    queryCache: new QueryCache({
      onError: (error) => {
        if (error instanceof ApiError && error.status === 401) onSignedOut();
      },
    }),
    defaultOptions: {
      queries: {
        staleTime: 60_000,
        gcTime: 5 * 60_000,
        refetchOnWindowFocus: false,
        retry: (failures, error) => failures < 2 && isPassing(error),
        retryDelay: (failures, error) =>
          ((error instanceof ApiError && error.retryAfterS) || 2 ** failures * 0.5) * 1000,
        throwOnError: false,
      },
      mutations: { retry: false },
    },
  });
}

/** Out of reach, overloaded or starting: it may be otherwise in a moment. */
function isPassing(error: Error): boolean {
  return error instanceof ApiError && (error.status === 0 || error.status === 503);
}
