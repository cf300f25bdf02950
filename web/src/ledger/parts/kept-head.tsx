import { useState } from "react";
import { Field } from "../../ui/field";
import { FormDialog } from "../../ui/form-dialog";

interface KeptHeadProps {
  onClose: () => void;
  onCheck: (head: string) => void;
}

/** Asks for a head that was exported earlier: the only thing that shows a ledger rewritten as a whole. */
export function KeptHead({ onClose, onCheck }: KeptHeadProps) {
  const [head, setHead] = useState("");
  return (
    <FormDialog
      title="Verify against a saved head"
      verb="Verify"
      lead="Somebody with the store and its key could rewrite the whole ledger. A head saved elsewhere reveals that."
      act={async () => onCheck(head)}
      onDone={() => undefined}
      onClose={onClose}
    >
      <Field label="The exported file">
        <input
          type="file"
          accept=".txt,text/plain"
          onChange={async (event) => setHead((await event.target.files?.[0]?.text()) ?? head)}
        />
      </Field>
      <Field label="Or its text" name="head" required>
        <textarea
          className="mono"
          rows={5}
          required
          spellCheck={false}
          value={head}
          onChange={(event) => setHead(event.target.value)}
        />
      </Field>
    </FormDialog>
  );
}
