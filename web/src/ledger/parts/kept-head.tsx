import { type FormEvent, useId, useState } from "react";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { Field } from "../../ui/field";

interface KeptHeadProps {
  onClose: () => void;
  onCheck: (head: string) => void;
}

/** Asks for a head that was exported earlier: the only thing that shows a ledger rewritten as a whole. */
export function KeptHead({ onClose, onCheck }: KeptHeadProps) {
  const form = useId();
  const [head, setHead] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onCheck(head);
  };
  const actions = (
    <>
      <Button onClick={onClose}>Cancel</Button>
      <Button kind="primary" type="submit" form={form}>
        Verify
      </Button>
    </>
  );
  return (
    <Dialog title="Verify against a head that you kept" onClose={onClose} actions={actions}>
      <p>Whoever holds the store and its key could write all of it anew. A head that lay elsewhere shows that.</p>
      <form id={form} onSubmit={submit} className="ledger-form">
        <Field label="The exported file">
          <input
            type="file"
            accept=".txt,text/plain"
            onChange={async (event) => setHead((await event.target.files?.[0]?.text()) ?? head)}
          />
        </Field>
        <Field label="Or its text" required>
          <textarea
            className="mono"
            rows={5}
            required
            spellCheck={false}
            value={head}
            onChange={(event) => setHead(event.target.value)}
          />
        </Field>
      </form>
    </Dialog>
  );
}
