import { useQuery } from "@tanstack/react-query";
import type { Schema } from "../../kernel/api/types";
import { Field } from "../../ui/field";
import { FormDialog, type Given } from "../../ui/form-dialog";
import { toast } from "../../ui/toasts";
import { eventVerbsQuery } from "../queries";
import { calledBy, trigger as set } from "../verbs";
import { ParameterFields, parametersOf } from "./parameter-fields";

interface TriggerDialogProps {
  page: Schema<"PipelinePage">;
  /** What is changed; without, one is made. */
  trigger?: Schema<"Trigger"> | undefined;
  onClose: () => void;
}

/** On which events the pipeline starts, and with what of them. */
export function TriggerDialog({ page: { pipeline, parameters }, trigger, onClose }: TriggerDialogProps) {
  const { data: verbs = [] } = useQuery(eventVerbsQuery);
  const act = (given: Given) =>
    set(trigger?.name ?? given("name"), {
      pipeline: calledBy(pipeline),
      on: given("on"),
      subject: given("subject") || "*",
      parameters: parametersOf(given, parameters),
    });
  return (
    <FormDialog
      title={trigger ? `Change ${trigger.name}` : `Add a trigger of ${pipeline.name}`}
      verb={trigger ? "Change" : "Trigger"}
      act={act}
      onDone={({ name, on }) => {
        toast({ kind: "ok", text: `${name} starts ${pipeline.name} on each ${on} from now on` });
        onClose();
      }}
      onClose={onClose}
    >
      {!trigger && (
        <Field label="Name" name="name" required>
          <input required autoComplete="off" placeholder="fresh" />
        </Field>
      )}
      <Field label="On" name="on" hint="What happened, or a pattern of it: dataset.delivered, model.*" required>
        <input
          className="mono"
          required
          list="trigger-verbs"
          autoComplete="off"
          spellCheck={false}
          defaultValue={trigger?.on ?? "dataset.delivered"}
        />
      </Field>
      <datalist id="trigger-verbs">
        {verbs.map((verb) => (
          <option key={verb} value={verb} />
        ))}
      </datalist>
      <Field label="Of" name="subject" hint="To what it happened: dataset:flights, dataset:*; empty for anything">
        <input className="mono" autoComplete="off" spellCheck={false} defaultValue={trigger?.subject} />
      </Field>
      <ParameterFields
        taken={parameters}
        given={trigger?.parameters ?? {}}
        facts="${subject}, ${output}, ${actor}, ${at} and ${data.…} stand for what the event says."
      />
    </FormDialog>
  );
}
