import { type ErrorComponentProps, useRouter } from "@tanstack/react-router";
import { useEffect } from "react";
import { ApiError } from "../kernel/api/errors";
import { ErrorBox } from "../ui/error-box";
import { Page } from "../ui/page";
import { backTo } from "./sign-in/way";

/** In place of a page that failed as a whole. */
export function PageError({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  const signedOut = error instanceof ApiError && error.status === 401;
  useEffect(() => {
    if (signedOut) void router.navigate({ to: "/sign-in", search: backTo() as never, replace: true });
  }, [signedOut, router]);
  if (signedOut) return null;
  const retry = () => {
    reset();
    void router.invalidate();
  };
  return (
    <Page title={error instanceof ApiError && error.status === 404 ? "Not found" : "This page failed"}>
      <ErrorBox error={error} retry={retry} />
    </Page>
  );
}
