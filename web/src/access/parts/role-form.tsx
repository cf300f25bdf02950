import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { send } from "../../kernel/api/client";
import type { Schema } from "../../kernel/api/types";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { ErrorBox } from "../../ui/error-box";
import { Field } from "../../ui/field";
import { patternsOf } from "../permissions";
import { PermissionField } from "./permission-field";

/** Makes a role of one's own, or changes it for all who have it. */
export function RoleForm({ role, onClose }: { role?: Schema<"Role">; onClose: () => void }) {
  const form = useId();
  const [name, setName] = useState(role?.name ?? "");
  const [summary, setSummary] = useState(role?.summary ?? "");
  const [patterns, setPatterns] = useState(role?.permissions.join(" ") ?? "*:read");
  const [everywhere, setEverywhere] = useState(role?.project === "*");
  const define = useMutation({
    mutationFn: () =>
      send("put", "/access/roles/{role}", {
        path: { role: name },
        body: { permissions: patternsOf(patterns), summary, everywhere },
      }),
    onSuccess: onClose,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    define.mutate();
  };
  const actions = (
    <>
      <Button onClick={onClose}>Cancel</Button>
      <Button kind="primary" type="submit" form={form} busy={define.isPending}>
        {role ? "Change" : "Define"}
      </Button>
    </>
  );
  return (
    <Dialog title={role ? `Change ${role.name}` : "A role of your own"} onClose={onClose} actions={actions}>
      <form id={form} className="access-form" onSubmit={submit}>
        {!role && (
          <Field label="Name" required>
            <input required autoComplete="off" value={name} onChange={(event) => setName(event.target.value)} />
          </Field>
        )}
        <Field label="In a few words" hint="What who has it does: “brings outcomes”.">
          <input value={summary} onChange={(event) => setSummary(event.target.value)} />
        </Field>
        <PermissionField value={patterns} onChange={setPatterns} />
        {!role && (
          <label className="access-check">
            <input type="checkbox" checked={everywhere} onChange={(event) => setEverywhere(event.target.checked)} /> for
            all projects
          </label>
        )}
        {define.error && <ErrorBox error={define.error} />}
      </form>
    </Dialog>
  );
}
