import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { send } from "../../kernel/api/client";
import type { Schema } from "../../kernel/api/types";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { ErrorBox } from "../../ui/error-box";
import { Field } from "../../ui/field";
import { toast } from "../../ui/toasts";

export interface Proposal {
  key: string;
  path: string;
}

interface DeliverProps {
  name: string;
  /** What is delivered again. */
  proposal: Proposal | undefined;
  onClose: () => void;
  onDelivered: (delivery: Schema<"Delivery">) => void;
}

/** Reads a file of the inbox, measures it against the contract, and says what became of it. */
export function DeliverDialog({ name, proposal, onClose, onDelivered }: DeliverProps) {
  const form = useId();
  const [given, setGiven] = useState({ key: "", path: "", note: "", kind: "csv", ...proposal });
  const deliver = useMutation({
    mutationFn: () => {
      const source = { kind: given.kind, parameters: { path: given.path } };
      const body = { key: given.key, source, note: given.note };
      return send("post", "/datasets/{name}/deliveries", { path: { name }, body });
    },
    onSuccess: (delivery) => {
      const accepted = delivery.state === "accepted";
      const word = accepted ? `accepted as version ${delivery.version}` : "quarantined";
      toast({ text: `${delivery.key} was ${word}`, kind: accepted ? "ok" : "bad" });
      onDelivered(delivery);
    },
  });
  const field = (which: keyof typeof given) => ({
    value: given[which],
    onChange: ({ target }: { target: { value: string } }) => setGiven({ ...given, [which]: target.value }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    deliver.mutate();
  };
  return (
    <Dialog
      title={proposal ? `Deliver ${proposal.key} again` : `Deliver to ${name}`}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" form={form} busy={deliver.isPending}>
            Deliver
          </Button>
        </>
      }
    >
      <form id={form} className="deliver-form" onSubmit={submit}>
        <Field label="File in the inbox" required>
          <input required {...field("path")} />
        </Field>
        <Field label="Format">
          <select {...field("kind")}>
            <option value="csv">CSV, plain, gzip or zip</option>
            <option value="parquet">Parquet</option>
          </select>
        </Field>
        <Field label="Key" hint="What the delivery is called; the same content under it is not added twice" required>
          <input required {...field("key")} />
        </Field>
        <Field label="Note">
          <input {...field("note")} />
        </Field>
        {deliver.error && <ErrorBox error={deliver.error} />}
      </form>
    </Dialog>
  );
}
