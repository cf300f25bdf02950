import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { send } from "../../kernel/api/client";
import type { Schema } from "../../kernel/api/types";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { ErrorBox } from "../../ui/error-box";
import { Field } from "../../ui/field";
import { Secret } from "./secret";

const HOURS_MAX = 168;

/** A successor for a token, and how long the old one goes on. */
export function RotateToken({ token, onClose }: { token: Schema<"Token">; onClose: () => void }) {
  const form = useId();
  const [hours, setHours] = useState(24);
  const rotate = useMutation({
    mutationFn: () =>
      send("post", "/access/tokens/{token}/rotate", { path: { token: token.id }, body: { overlap_hours: hours } }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    rotate.mutate();
  };
  if (rotate.data) return <Secret issued={rotate.data} onClose={onClose} />;
  const actions = (
    <>
      <Button onClick={onClose}>Cancel</Button>
      <Button kind="primary" type="submit" form={form} busy={rotate.isPending}>
        Rotate
      </Button>
    </>
  );
  return (
    <Dialog title={`Rotate ${token.name || token.id}?`} onClose={onClose} actions={actions}>
      <p>
        A new token takes its place, with the same reach and life. Who shows the old one after its end ends the new one,
        too.
      </p>
      <form id={form} className="access-form" onSubmit={submit}>
        <Field label="The old one works for so many hours more" hint={`0 to ${HOURS_MAX}`}>
          <input
            type="number"
            min={0}
            max={HOURS_MAX}
            value={hours}
            onChange={(event) => setHours(event.target.valueAsNumber || 0)}
          />
        </Field>
        {rotate.error && <ErrorBox error={rotate.error} />}
      </form>
    </Dialog>
  );
}
