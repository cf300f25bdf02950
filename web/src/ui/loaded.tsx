import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { ErrorBox } from "./error-box";
import { Skeleton } from "./skeleton";

interface LoadedProps<Data> {
  query: Pick<UseQueryResult<Data>, "data" | "error" | "refetch">;
  /** Of the shape of what comes, so that nothing jumps. */
  skeleton?: ReactNode;
  /** Shown in place of the children when `isEmpty` holds; without `isEmpty`, for an empty array. */
  empty?: ReactNode;
  isEmpty?: (data: Data) => boolean;
  children: (data: Data) => ReactNode;
}

/** Waits for a query: skeleton, then error, empty or the thing itself. Old data stays while new data fails to come. */
export function Loaded<Data>({ query, skeleton = <Skeleton />, empty, isEmpty, children }: LoadedProps<Data>) {
  const { data, error, refetch } = query;
  if (data === undefined) return error ? <ErrorBox error={error} retry={() => void refetch()} /> : skeleton;
  const nothing = isEmpty ? isEmpty(data) : Array.isArray(data) && data.length === 0;
  return nothing && empty !== undefined ? empty : children(data);
}
