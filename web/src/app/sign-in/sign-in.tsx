import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { send } from "../../kernel/api/client";
import { Button } from "../../ui/button";
import { ErrorBox } from "../../ui/error-box";
import { Field } from "../../ui/field";
import { Status } from "../../ui/status";
import mark from "../ostinato.svg";
import { waysQuery } from "../queries";
import { PasswordField } from "./password-field";
import "./sign-in.css";
import { forgetCode, safeBack, takenCode } from "./way";

/** By a one-time code that came with the address, by password, or at the OpenID provider. */
export function SignInPage() {
  const arrive = useArrival();
  const code = takenCode();
  const ways = useQuery(waysQuery);
  const present = ways.data?.actor;
  const byCode = useMutation({
    mutationFn: () => send("post", "/sign-in/code", { body: { code } }),
    onSuccess: arrive,
    onSettled: forgetCode,
  });
  const begun = useRef(false);
  const { mutate } = byCode;
  const nobodyIsHere = !ways.isPending && !present;
  useEffect(() => {
    document.title = "Sign in · Ostinato";
    if (!code || !nobodyIsHere || begun.current) return;
    begun.current = true;
    mutate();
  }, [code, nobodyIsHere, mutate]);
  if (code && present && byCode.isIdle) return <Instead actor={present} onAgree={mutate} onStay={arrive} />;
  const entering = byCode.isPending || byCode.isSuccess || (code !== "" && ways.isPending);
  return (
    <main className="sign-in">
      <img src={mark} alt="" />
      <h1>{entering ? "Signing you in" : "Sign in to Ostinato"}</h1>
      {byCode.error && <ErrorBox error={byCode.error} />}
      {!entering && <FailedElsewhere />}
      {!entering && <ByPassword arrive={arrive} />}
      {!entering && <Elsewhere />}
    </main>
  );
}

/** Somebody is signed in here: an address that somebody else sent must not make another of them without a word. */
function Instead({ actor, onAgree, onStay }: { actor: string; onAgree: () => void; onStay: () => void }) {
  const name = actor.replace(/^\w+:/, "");
  const stay = () => {
    forgetCode();
    onStay();
  };
  return (
    <main className="sign-in">
      <img src={mark} alt="" />
      <h1>You are signed in as {name}</h1>
      <p>
        The address that you opened signs you in anew, as whom it was made for. Go on only if you asked for it yourself.
      </p>
      <div className="row">
        <Button kind="primary" onClick={stay}>
          Stay {name}
        </Button>
        <Button onClick={onAgree}>Sign in by the address</Button>
      </div>
    </main>
  );
}

/** What went wrong at the OpenID provider, by the kind of error that the way back names. */
const FAILURES: Readonly<Record<string, string>> = {
  Denied: "The provider knows you, but nobody here is known by that, or has been disabled. Ask an administrator.",
  Unavailable: "The provider is out of reach just now. Try again in a moment.",
  Unauthenticated:
    "The sign-in was broken off, took too long, or began in another browser: begin it again. Who was disabled cannot sign in.",
};

function FailedElsewhere() {
  const { failed } = useSearch({ strict: false }) as { failed?: string };
  if (failed === undefined) return null;
  return (
    <div role="alert" className="sign-in-failed">
      <Status kind="bad" word="The sign-in elsewhere failed" />
      <p>{FAILURES[failed] ?? "The server's log says why."}</p>
    </div>
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
      <PasswordField label="Password" value={password} onChange={setPassword} />
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
