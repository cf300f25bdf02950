import { useState } from "react";
import { send } from "../../kernel/api/client";
import type { Schema } from "../../kernel/api/types";
import { Field } from "../../ui/field";
import { FormDialog } from "../../ui/form-dialog";
import { patternsOf } from "../permissions";
import { PermissionField } from "./permission-field";

/** Makes a role of one's own, or changes it for all who have it. */
export function RoleForm({ role, onClose }: { role?: Schema<"Role">; onClose: () => void }) {
  const [patterns, setPatterns] = useState(role?.permissions.join(" ") ?? "*:read");
  const [everywhere, setEverywhere] = useState(role?.project === "*");
  return (
    <FormDialog
      title={role ? `Change ${role.name}` : "New role"}
      verb={role ? "Change" : "Create"}
      act={(given) =>
        send("put", "/access/roles/{role}", {
          path: { role: role?.name ?? given("name") },
          body: { permissions: patternsOf(patterns), summary: given("summary"), everywhere },
        })
      }
      onClose={onClose}
    >
      {!role && (
        <Field label="Name" name="name" required>
          <input required autoComplete="off" />
        </Field>
      )}
      <Field label="Description" name="summary" hint="What who has it does: “brings outcomes”.">
        <input defaultValue={role?.summary} />
      </Field>
      <PermissionField value={patterns} onChange={setPatterns} />
      {!role && (
        <label className="access-check">
          <input type="checkbox" checked={everywhere} onChange={(event) => setEverywhere(event.target.checked)} /> for
          all projects
        </label>
      )}
    </FormDialog>
  );
}
