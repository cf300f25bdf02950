import type { Schema } from "../../kernel/api/types";
import { Field } from "../../ui/field";
import type { Given } from "../../ui/form-dialog";

type Taken = Schema<"Taken">;

interface ParameterFieldsProps {
  taken: readonly Taken[];
  /** What it is started with now, where something is changed. */
  given: Readonly<Record<string, unknown>>;
  /** What may stand in them for what is known only at the start. */
  facts: string;
}

/** A line for each parameter, in which `${…}` stands for what will be known when it starts. */
export function ParameterFields({ taken, given, facts }: ParameterFieldsProps) {
  if (taken.length === 0) return null;
  return (
    <fieldset className="form cause-parameters">
      <legend>Parameters</legend>
      <p className="field-note">{facts}</p>
      {taken.map(({ name, type, default: otherwise, required }) => (
        <Field key={name} label={name} name={`parameters.${name}`} hint={type} required={required}>
          <input
            className="mono"
            required={required}
            autoComplete="off"
            spellCheck={false}
            placeholder={otherwise}
            defaultValue={name in given ? written(given[name]) : ""}
          />
        </Field>
      ))}
    </fieldset>
  );
}

/** What the lines say; what is left empty is as the pipeline has it. */
export function parametersOf(given: Given, taken: readonly Taken[]): Record<string, unknown> {
  const said = taken.map(({ name, type }) => [name, type, given(`parameters.${name}`)] as const);
  return Object.fromEntries(
    said.filter(([, , text]) => text !== "").map(([name, type, text]) => [name, read(text, type)]),
  );
}

/** JSON where it is JSON, but a text for who takes a text; all else is a text. */
function read(text: string, type: string): unknown {
  if (type === "str") return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function written(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
