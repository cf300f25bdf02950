import { send } from "../../kernel/api/client";
import { Field } from "../../ui/field";
import { FormDialog, type Given } from "../../ui/form-dialog";
import { Json } from "../../ui/json";
import { toast } from "../../ui/toasts";
import { type EvalRecord, objectOf } from "../words";

interface ExampleDialogProps {
  evalset: string;
  /** What is expected of it changes; what goes in is what it is known by. */
  edited: EvalRecord | undefined;
  onClose: () => void;
}

/** An example by hand: what goes in, and what is expected. */
export function ExampleDialog({ evalset, edited, onClose }: ExampleDialogProps) {
  const save = async (given: Given) => {
    const inputs = edited?.inputs ?? objectOf(given("inputs"), "inputs");
    const expectations = objectOf(given("expectations"), "expectations");
    const body = { records: [{ inputs, expectations }] };
    const { inserted } = await send("post", "/evalsets/{evalset}/records", { path: { evalset }, body });
    toast({ kind: "ok", text: inserted ? "The example is added" : "The example is saved" });
    onClose();
  };
  return (
    <FormDialog
      title={edited ? "Edit example" : "Add example"}
      verb={edited ? "Save" : "Add"}
      lead={edited && <Json value={edited.inputs} />}
      act={save}
      onClose={onClose}
    >
      {!edited && (
        <Field
          label="Inputs"
          name="inputs"
          hint="A JSON object, by the names of what the application is given; or text, which is its input."
          required
        >
          <textarea
            rows={4}
            required
            className="mono"
            spellCheck={false}
            placeholder='{"question": "Why was UA1545 late?"}'
          />
        </Field>
      )}
      <Field
        label="Expectations"
        name="expectations"
        hint={`A JSON object by name; or text, which is the expected response.${edited ? " Names that are left out stay as they are." : ""}`}
      >
        <textarea
          rows={4}
          className="mono"
          spellCheck={false}
          defaultValue={edited && JSON.stringify(edited.expectations ?? {}, undefined, 2)}
        />
      </Field>
    </FormDialog>
  );
}
