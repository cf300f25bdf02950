import { useRef, useState } from "react";
import { send } from "../../kernel/api/client";
import type { Schema } from "../../kernel/api/types";
import { Field } from "../../ui/field";
import { FormDialog, type Given } from "../../ui/form-dialog";
import { toast } from "../../ui/toasts";

export interface Proposal {
  key: string;
  path: string;
}

const SOURCES = {
  csv: "CSV in the inbox of the server: plain, gzip or zip",
  parquet: "Parquet in the inbox of the server",
  here: "Parquet on this computer",
};

interface DeliverProps {
  name: string;
  /** What is delivered again. */
  proposal: Proposal | undefined;
  onClose: () => void;
  onDelivered: (delivery: Schema<"Delivery">) => void;
}

/** Reads a file of the inbox or of this computer, measures it against the contract, and says what became of it. */
export function DeliverDialog({ name, proposal, onClose, onDelivered }: DeliverProps) {
  const [from, setFrom] = useState<keyof typeof SOURCES>("csv");
  const file = useRef<HTMLInputElement>(null);
  const here = from === "here";
  const deliver = async (given: Given) => {
    const [chosen] = file.current?.files ?? [];
    if (chosen)
      return send("put", "/datasets/{name}/deliveries/{key}", { path: { name, key: given("key") }, body: chosen });
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
      <Field label="Source" name="kind">
        <select value={from} onChange={({ target }) => setFrom(target.value as keyof typeof SOURCES)}>
          {Object.entries(SOURCES).map(([kind, words]) => (
            <option key={kind} value={kind}>
              {words}
            </option>
          ))}
        </select>
      </Field>
      {here ? (
        <Field label="File" name="file" required>
          <input ref={file} type="file" required accept=".parquet" />
        </Field>
      ) : (
        <Field label="File in the inbox" name="path" required>
          <input required autoComplete="off" defaultValue={proposal?.path} />
        </Field>
      )}
      <Field
        label="Key"
        name="key"
        hint="What the delivery is called; the same content under it is not added twice"
        required
      >
        <input required autoComplete="off" defaultValue={proposal?.key} />
      </Field>
      {!here && (
        <Field label="Note" name="note">
          <input />
        </Field>
      )}
    </FormDialog>
  );
}
