import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { send } from "../../kernel/api/client";
import type { Schema } from "../../kernel/api/types";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { ErrorBox } from "../../ui/error-box";
import { Field } from "../../ui/field";
import { toast } from "../../ui/toasts";

interface RebaseDialogProps {
  monitor: Schema<"Monitor">;
  onClose: () => void;
}

/** With which table windows are compared from now on, and why. */
export function RebaseDialog({ monitor: { name, reference: present, block }, onClose }: RebaseDialogProps) {
  const [reference, setReference] = useState("");
  const [reason, setReason] = useState("");
  const form = useId();
  const rebase = useMutation({
    mutationFn: () =>
      send("post", "/monitors/{monitor}/rebase", {
        path: { monitor: name },
        body: { reference: reference.trim(), reason: reason.trim() },
      }),
    onSuccess: () => {
      toast({ text: `${name} is compared with another reference from now on` });
      onClose();
    },
  });
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    rebase.mutate();
  };
  const actions = (
    <>
      <Button onClick={onClose}>Cancel</Button>
      <Button type="submit" form={form} kind="primary" busy={rebase.isPending}>
        Rebase
      </Button>
    </>
  );
  const hint = `Of a table with the features, score, label${block ? ` and ${block}` : ""}, as a training run writes it. At present ${present.slice(0, 12)}…`;
  return (
    <Dialog title={`Rebase ${name}?`} onClose={onClose} actions={actions}>
      <p>
        Windows from now on are compared with another table, that of a newly promoted version say. Those measured before
        stay.
      </p>
      <form id={form} className="monitoring-form" onSubmit={onSubmit}>
        <Field label="Digest of the reference" required hint={hint}>
          <input
            className="mono"
            required
            pattern="\s*[0-9a-f]{64}\s*"
            title="64 hexadecimal digits"
            spellCheck={false}
            value={reference}
            onChange={(event) => setReference(event.target.value)}
          />
        </Field>
        <Field label="Reason" required hint="Kept in the ledger.">
          <textarea rows={3} required value={reason} onChange={(event) => setReason(event.target.value)} />
        </Field>
      </form>
      {rebase.error && <ErrorBox error={rebase.error} />}
    </Dialog>
  );
}
