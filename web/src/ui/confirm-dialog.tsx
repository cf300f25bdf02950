import type { Asked } from "./confirm";
import { Field } from "./field";
import { FormDialog } from "./form-dialog";

export function ConfirmDialog({ title, text, verb, danger = false, reason: wanted, act, settle }: Asked) {
  return (
    <FormDialog
      title={title}
      verb={verb}
      danger={danger}
      lead={text}
      act={async (given) => {
        const reason = given("reason");
        await act?.(reason);
        return { reason };
      }}
      onDone={settle}
      onClose={() => settle(null)}
    >
      {wanted && (
        <Field label={wanted === "required" ? "Reason" : "Reason (optional)"} name="reason" hint="Kept in the ledger.">
          <textarea rows={3} required={wanted === "required"} />
        </Field>
      )}
    </FormDialog>
  );
}
