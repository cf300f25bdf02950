import { queryOptions, useQuery } from "@tanstack/react-query";
import { get } from "./api/client";

export const sessionQuery = queryOptions({
  queryKey: ["access", "session"],
  queryFn: ({ signal }) => get("/session", {}, signal),
  staleTime: Number.POSITIVE_INFINITY,
});

export const whoamiQuery = queryOptions({
  queryKey: ["access", "whoami"],
  queryFn: ({ signal }) => get("/access/whoami", {}, signal),
});

/** Whether the person at the screen holds a permission in this project, such as `model:approve`; what is refused is refused by the server. */
export function useMay(permission: string): boolean {
  const { data } = useQuery(whoamiQuery);
  return data?.permissions.includes(permission) ?? false;
}

/** Who is at the screen: `person:ana`. */
export function useActor(): string {
  return useQuery(whoamiQuery).data?.actor ?? "";
}
