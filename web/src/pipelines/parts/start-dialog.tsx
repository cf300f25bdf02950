import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { ApiError } from "../../kernel/api/errors";
import type { Schema } from "../../kernel/api/types";
import { useProject } from "../../kernel/project";
import { href } from "../../kernel/ref";
import { Dialog } from "../../ui/dialog";
import { ErrorBox } from "../../ui/error-box";
import { Field } from "../../ui/field";
import type { Schema as Rules } from "../../ui/schema-form/schema";
import { blank } from "../../ui/schema-form/schema";
import { SchemaForm } from "../../ui/schema-form/schema-form";
import { calledBy, start } from "../verbs";

interface StartDialogProps {
  page: Schema<"PipelinePage">;
  /** Where to begin: what another execution was given. */
  given: Readonly<Record<string, unknown>> | undefined;
  onClose: () => void;
}

/** Asks for an execution, in a form made from what the pipeline takes. */
export function StartDialog({ page, given, onClose }: StartDialogProps) {
  const { name } = page.pipeline;
  const schema = page.schema as Rules;
  const [value, setValue] = useState(() => beginning(schema, given));
  const [key, setKey] = useState("");
  const navigate = useNavigate();
  const project = useProject();
  const asked = useMutation({
    mutationFn: (parameters: unknown) =>
      start({
        pipeline: calledBy(page.pipeline),
        parameters: parameters as Record<string, unknown>,
        key: key.trim() || undefined,
      }),
    onSuccess: ({ id }) => void navigate({ to: href(project, `execution:${id}`) }),
  });
  const wrong = fieldOf(asked.error, page.parameters);
  return (
    <Dialog title={`Start ${name}`} onClose={onClose}>
      {given && <p className="muted">Filled in as it was started the last time.</p>}
      <SchemaForm
        schema={schema}
        value={value}
        onChange={setValue}
        onSubmit={(parameters) => asked.mutate(parameters)}
        verb="Start"
        busy={asked.isPending}
        errors={wrong}
      >
        {page.parameters.length === 0 && <span className="muted">It takes no parameters.</span>}
      </SchemaForm>
      <details className="start-more">
        <summary>Idempotency key</summary>
        <Field label="Key" hint="Asking again with the same key gives the same execution.">
          <input value={key} maxLength={200} onChange={(event) => setKey(event.target.value)} />
        </Field>
      </details>
      {asked.error && wrong.size === 0 && <ErrorBox error={asked.error} />}
    </Dialog>
  );
}

/** What was given then, as far as the pipeline still takes it, over what it takes by itself. */
function beginning(schema: Rules, given: Readonly<Record<string, unknown>> = {}): unknown {
  const known = Object.entries(given).filter(([name]) => name in (schema.properties ?? {}));
  return { ...(blank(schema) as object), ...Object.fromEntries(known) };
}

/** The server names the parameter that does not fit: `n`, or `$.parameters.n`. */
function fieldOf(error: unknown, parameters: readonly Schema<"Taken">[]): ReadonlyMap<string, string> {
  const field = error instanceof ApiError ? error.field?.replace(/^\$\.(parameters\.)?/, "") : undefined;
  const known = parameters.some(({ name }) => name === field);
  return new Map(known && error instanceof ApiError ? [[`/${field}`, error.message]] : []);
}
