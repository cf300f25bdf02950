import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { send } from "../../kernel/api/client";
import { useActor } from "../../kernel/session";
import { text, useUrlState } from "../../kernel/url";
import { Button } from "../../ui/button";
import { Empty } from "../../ui/empty";
import { ErrorBox } from "../../ui/error-box";
import { Facts } from "../../ui/facts";
import { Field } from "../../ui/field";
import { Loaded } from "../../ui/loaded";
import { Page } from "../../ui/page";
import { Time } from "../../ui/time";
import { deviceQuery } from "../queries";
import "./sign-in.css";

const FIELDS = { code: text() };

/** A program asked for a token of the person at the screen: who it is, and yes or no. */
export function DevicePage() {
  const [{ code }] = useUrlState(FIELDS);
  return <Page title="Let a program act as you">{code ? <Question key={code} code={code} /> : <CodeForm />}</Page>;
}

function Question({ code }: { code: string }) {
  const actor = useActor();
  const waiting = useQuery(deviceQuery(code));
  const answer = useMutation({
    mutationFn: (agree: boolean) => send("post", "/device/{user_code}", { path: { user_code: code }, body: { agree } }),
  });
  if (answer.isSuccess) {
    const text = "You can close this page and go back to it.";
    return <Empty title={answer.variables ? "The program may act as you" : "The program was refused"}>{text}</Empty>;
  }
  return (
    <Loaded query={waiting}>
      {({ name, address, expires_at }) => (
        <div className="sign-in-form">
          <Facts
            items={[
              ["Program", name],
              ["Asks from", address],
              ["Code", <code key="code">{code}</code>],
              ["Waits until", <Time key="until" at={expires_at} />],
            ]}
          />
          <p>
            It will hold a token of {actor} with all that you may do. Agree only if you have just started it and it
            shows this code.
          </p>
          {answer.error && <ErrorBox error={answer.error} />}
          <div className="row">
            <Button kind="primary" busy={answer.isPending} onClick={() => answer.mutate(true)}>
              Agree
            </Button>
            <Button busy={answer.isPending} onClick={() => answer.mutate(false)}>
              Refuse
            </Button>
          </div>
        </div>
      )}
    </Loaded>
  );
}

function CodeForm() {
  const [, set] = useUrlState(FIELDS);
  const [typed, setTyped] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    set({ code: typed.trim().toUpperCase() }, { push: true });
  };
  return (
    <form className="sign-in-form" onSubmit={submit}>
      <Field label="The code that the program shows">
        <input
          required
          autoComplete="off"
          spellCheck={false}
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
        />
      </Field>
      <Button kind="primary" type="submit">
        Continue
      </Button>
    </form>
  );
}
