import { useState } from "react";
import { send } from "../../kernel/api/client";
import type { Schema } from "../../kernel/api/types";
import { Field } from "../../ui/field";
import { FormDialog } from "../../ui/form-dialog";
import { Secret } from "./secret";

const HOURS_MAX = 168;

/** A successor for a token, and how long the old one goes on. */
export function RotateToken({ token, onClose }: { token: Schema<"Token">; onClose: () => void }) {
  const [issued, setIssued] = useState<Schema<"IssuedToken">>();
  if (issued) return <Secret issued={issued} onClose={onClose} />;
  return (
    <FormDialog
      title={`Rotate ${token.name || token.id}?`}
      verb="Rotate"
      lead="A new token takes its place, with the same reach and life. If the old one is used after its end, the new one is revoked too."
      act={(given) => {
        const body = { overlap_hours: Number(given("overlap_hours")) };
        return send("post", "/access/tokens/{token}/rotate", { path: { token: token.id }, body });
      }}
      onDone={setIssued}
      onClose={onClose}
    >
      <Field
        label="The old one works for so many hours more"
        name="overlap_hours"
        hint={`0 to ${HOURS_MAX}, at the end of which it ends`}
      >
        <input type="number" required min={0} max={HOURS_MAX} defaultValue={24} />
      </Field>
    </FormDialog>
  );
}
