import { send } from "../../kernel/api/client";
import type { Schema } from "../../kernel/api/types";
import { Field } from "../../ui/field";
import { FormDialog, type Given } from "../../ui/form-dialog";
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
  const deliver = (given: Given) => {
    const source = { kind: given("kind"), parameters: { path: given("path") } };
    const body = { key: given("key"), source, note: given("note") };
    return send("post", "/datasets/{name}/deliveries", { path: { name }, body });
  };
  const tell = (delivery: Schema<"Delivery">) => {
    const accepted = delivery.state === "accepted";
    const word = accepted ? `accepted as version ${delivery.version}` : "quarantined";
    toast({ text: `${delivery.key} was ${word}`, kind: accepted ? "ok" : "bad" });
    onDelivered(delivery);
  };
  return (
    <FormDialog
      title={proposal ? `Deliver ${proposal.key} again` : `Deliver to ${name}`}
      verb="Deliver"
      act={deliver}
      onDone={tell}
      onClose={onClose}
    >
      <Field label="File in the inbox" name="path" required>
        <input required autoComplete="off" defaultValue={proposal?.path} />
      </Field>
      <Field label="Format" name="kind">
        <select>
          <option value="csv">CSV, plain, gzip or zip</option>
          <option value="parquet">Parquet</option>
        </select>
      </Field>
      <Field
        label="Key"
        name="key"
        hint="What the delivery is called; the same content under it is not added twice"
        required
      >
        <input required autoComplete="off" defaultValue={proposal?.key} />
      </Field>
      <Field label="Note" name="note">
        <input />
      </Field>
    </FormDialog>
  );
}
