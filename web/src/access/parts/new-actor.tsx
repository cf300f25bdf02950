import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { send } from "../../kernel/api/client";
import type { Schema } from "../../kernel/api/types";
import { useProject } from "../../kernel/project";
import { Field } from "../../ui/field";
import { FormDialog } from "../../ui/form-dialog";
import { issueCode } from "../acts";
import { Boxes } from "./boxes";
import { CodeLink } from "./code-link";

interface NewActorProps {
  kind: "person" | "service";
  roles: readonly Schema<"Role">[];
  onClose: () => void;
}

/** Makes a person and the address by which they come in for the first time; or a service account. */
export function NewActor({ kind, roles, onClose }: NewActorProps) {
  const project = useProject();
  const navigate = useNavigate();
  const [name, setName] = useState("");
  const [chosen, setChosen] = useState<readonly string[]>(["viewer"]);
  const [code, setCode] = useState<Schema<"IssuedCode">>();
  if (code) return <CodeLink code={code} onClose={onClose} />;
  const path = { name };
  const body = { roles: [...chosen] };
  const invite = async () => {
    const { id } = await send("post", "/access/persons/{name}", { path, body });
    setCode(await issueCode(id));
  };
  const create = async () => {
    const { id } = await send("post", "/access/services/{name}", { path, body });
    onClose();
    void navigate({ to: `/${project}/access?actor=${id}` });
  };
  const person = kind === "person";
  return (
    <FormDialog
      title={person ? "Invite a person" : "New service account"}
      verb={person ? "Invite" : "Create"}
      act={person ? invite : create}
      onDone={() => undefined}
      onClose={onClose}
    >
      <Field label="Name" name="name" hint={`Becomes ${kind}:${name || "…"}; it cannot be changed.`} required>
        <input required autoComplete="off" value={name} onChange={(event) => setName(event.target.value.trim())} />
      </Field>
      <Boxes
        label="Roles in this project"
        items={roles.map(({ name: role, summary }) => ({ value: role, text: <RoleWords name={role} of={summary} /> }))}
        chosen={chosen}
        onChange={setChosen}
      />
    </FormDialog>
  );
}

function RoleWords({ name, of }: { name: string; of: string }) {
  return (
    <>
      {name.replaceAll("_", " ")} <span className="muted">{of}</span>
    </>
  );
}
