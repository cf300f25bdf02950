import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { send } from "../../kernel/api/client";
import { useProject } from "../../kernel/project";
import { sessionQuery } from "../../kernel/session";
import { Button } from "../../ui/button";
import { ErrorBox } from "../../ui/error-box";
import { Page } from "../../ui/page";
import { toast } from "../../ui/toasts";
import { PasswordField } from "./password-field";
import "./sign-in.css";

/** A password of one's own choice, after the first sign-in by a code or in place of an older one. */
export function PasswordPage() {
  const project = useProject();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const { data: session } = useQuery(sessionQuery);
  const byCode = session?.means === "code";
  const [old, setOld] = useState("");
  const [password, setPassword] = useState("");
  const choose = useMutation({
    mutationFn: () => send("post", "/password", { body: { password, old: byCode ? undefined : old } }),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["access"] });
      toast({ text: "Your password is changed; all other sessions have ended" });
      void navigate({ to: `/${project}` });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    choose.mutate();
  };
  return (
    <Page title={byCode ? "Choose a password" : "Change your password"}>
      <form className="sign-in-form" onSubmit={submit}>
        {!byCode && <PasswordField label="Present password" optional value={old} onChange={setOld} />}
        <PasswordField
          label="New password"
          hint="At least 8 characters; none that is known to be guessed often."
          fresh
          value={password}
          onChange={setPassword}
        />
        {choose.error && <ErrorBox error={choose.error} />}
        <Button kind="primary" type="submit" busy={choose.isPending}>
          {byCode ? "Choose" : "Change"}
        </Button>
      </form>
    </Page>
  );
}
