import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useId, useState } from "react";
import { send } from "../../kernel/api/client";
import type { Schema } from "../../kernel/api/types";
import { useProject } from "../../kernel/project";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { ErrorBox } from "../../ui/error-box";
import { Field } from "../../ui/field";
import { issueCode } from "../acts";
import { CodeLink } from "./code-link";

interface NewActorProps {
  kind: "person" | "service";
  roles: readonly Schema<"Role">[];
  onClose: () => void;
}

/** Makes a person and the address by which they come in for the first time; or a service account. */
export function NewActor({ kind, roles, onClose }: NewActorProps) {
  const form = useId();
  const project = useProject();
  const navigate = useNavigate();
  const [name, setName] = useState("");
  const [chosen, setChosen] = useState<readonly string[]>(["viewer"]);
  const add = useMutation({
    mutationFn: async () => {
      const body = { roles: [...chosen] };
      if (kind === "person") {
        const { id } = await send("post", "/access/persons/{name}", { path: { name }, body });
        return issueCode(id);
      }
      await send("post", "/access/services/{name}", { path: { name }, body });
      onClose();
      void navigate({ to: `/${project}/access?actor=service:${name}` });
      return undefined;
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    add.mutate();
  };
  if (add.data) return <CodeLink code={add.data} onClose={onClose} />;
  const actions = (
    <>
      <Button onClick={onClose}>Cancel</Button>
      <Button kind="primary" type="submit" form={form} busy={add.isPending}>
        {kind === "person" ? "Invite" : "Create"}
      </Button>
    </>
  );
  return (
    <Dialog title={kind === "person" ? "Invite a person" : "New service account"} onClose={onClose} actions={actions}>
      <form id={form} className="access-form" onSubmit={submit}>
        <Field label="Name" hint={`Becomes ${kind}:${name || "…"}, for good.`} required>
          <input
            required
            autoComplete="off"
            pattern="[A-Za-z0-9][A-Za-z0-9._\-]{0,63}"
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        </Field>
        <RoleBoxes roles={roles} chosen={chosen} onChange={setChosen} />
        {add.error && <ErrorBox error={add.error} />}
      </form>
    </Dialog>
  );
}

interface RoleBoxesProps {
  roles: readonly Schema<"Role">[];
  chosen: readonly string[];
  onChange: (chosen: readonly string[]) => void;
}

function RoleBoxes({ roles, chosen, onChange }: RoleBoxesProps) {
  return (
    <fieldset className="access-boxes">
      <legend>Roles in this project</legend>
      {roles.map(({ name, summary }) => (
        <label key={name}>
          <input
            type="checkbox"
            checked={chosen.includes(name)}
            onChange={(event) =>
              onChange(event.target.checked ? [...chosen, name] : chosen.filter((other) => other !== name))
            }
          />
          <span>
            {name.replaceAll("_", " ")} <span className="muted">{summary}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}
