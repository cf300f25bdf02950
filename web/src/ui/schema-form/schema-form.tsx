import { type FormEvent, type ReactNode, useMemo, useState } from "react";
import { Button } from "../button";
import { SchemaField } from "./fields";
import { problems, type Schema } from "./schema";
import "./schema-form.css";

interface SchemaFormProps {
  schema: Schema;
  /** Begin with `blank(schema)`. */
  value: unknown;
  onChange: (value: unknown) => void;
  /** Called only with a value that satisfies the schema; the server has the last word. */
  onSubmit: (value: unknown) => void;
  verb?: string;
  busy?: boolean;
  /** What the server found wrong, by JSON pointer. */
  errors?: ReadonlyMap<string, string>;
  /** Beside the button. */
  children?: ReactNode;
}

const NONE: ReadonlyMap<string, string> = new Map();

/** A form made from a JSON Schema: what a family's new member asks for needs no page of its own. */
export function SchemaForm({
  schema,
  value,
  onChange,
  onSubmit,
  verb = "Save",
  busy = false,
  errors = NONE,
  children,
}: SchemaFormProps) {
  const [tried, setTried] = useState(false);
  const found = useMemo(() => problems(schema, value), [schema, value]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (found.size === 0) onSubmit(value);
  };
  const shown = useMemo(() => (tried ? new Map([...errors, ...found]) : errors), [tried, errors, found]);
  return (
    <form className="schema-form" noValidate onSubmit={submit}>
      <SchemaField
        schema={schema}
        root={schema}
        path=""
        name=""
        value={value}
        onChange={onChange}
        errors={shown}
        required
      />
      {shown.get("") && (
        <p className="schema-problem" role="alert">
          {shown.get("")}
        </p>
      )}
      <div className="row">
        <Button type="submit" kind="primary" busy={busy}>
          {verb}
        </Button>
        {children}
      </div>
    </form>
  );
}
