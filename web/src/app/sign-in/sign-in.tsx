import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { send } from "../../kernel/api/client";
import { Button } from "../../ui/button";
import { ErrorBox } from "../../ui/error-box";
import { Field } from "../../ui/field";
import { waysQuery } from "../queries";
import "./sign-in.css";
import { forgetCode, safeBack, takenCode } from "./way";

/** By a one-time code that came with the address, by password, or at the OpenID provider. */
export function SignInPage() {
  const arrive = useArrival();
  const code = takenCode();
  const byCode = useMutation({
    mutationFn: () => send("post", "/sign-in/code", { body: { code } }),
    onSuccess: arrive,
    onSettled: forgetCode,
  });
  const begun = useRef(false);
  const { mutate } = byCode;
  useEffect(() => {
    document.title = "Sign in · Ostinato";
    if (!code || begun.current) return;
    begun.current = true;
    mutate();
  }, [code, mutate]);
  return (
    <main className="sign-in">
      <h1>{byCode.isPending ? "Signing you in" : "Sign in to Ostinato"}</h1>
      {byCode.error && <ErrorBox error={byCode.error} />}
      {!byCode.isPending && !byCode.isSuccess && <ByPassword arrive={arrive} />}
      {!byCode.isPending && !byCode.isSuccess && <Elsewhere />}
    </main>
  );
}

function ByPassword({ arrive }: { arrive: () => void }) {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const signIn = useMutation({
    mutationFn: () => send("post", "/sign-in", { body: { name, password } }),
    onSuccess: arrive,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    signIn.mutate();
  };
  return (
    <form className="sign-in-form" onSubmit={submit}>
      <Field label="Name">
        <input
          name="name"
          autoComplete="username"
          required
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
      </Field>
      <Field label="Password">
        <input
          name="password"
          type="password"
          autoComplete="current-password"
          required
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
      </Field>
      {signIn.error && <ErrorBox error={signIn.error} />}
      <Button kind="primary" type="submit" busy={signIn.isPending}>
        Sign in
      </Button>
      <p className="sign-in-hint">
        No password yet? On the server, <code>ostinato sign-in --data DIR</code> prints an address that signs you in
        once.
      </p>
    </form>
  );
}

function Elsewhere() {
  const { data } = useQuery(waysQuery);
  if (!data?.elsewhere) return null;
  return (
    <a className="button" data-look="plain" href={data.elsewhere}>
      Sign in at {new URL(data.issuer ?? data.elsewhere, location.origin).host}
    </a>
  );
}

/** Where one goes once signed in: to where one was, as who one is now. */
function useArrival(): () => void {
  const { back } = useSearch({ strict: false }) as { back?: string };
  const queries = useQueryClient();
  const navigate = useNavigate();
  return () => {
    queries.clear();
    void navigate({ to: safeBack(back), replace: true });
  };
}
