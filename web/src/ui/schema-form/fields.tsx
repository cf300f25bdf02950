import { Plus, X } from "lucide-react";
import { useState } from "react";
import { Button } from "../button";
import { Field } from "../field";
import { blank, isNullable, resolved, type Schema, shapeOf, wayOf, ways } from "./schema";

interface SchemaFieldProps {
  schema: Schema;
  root: Schema;
  /** JSON pointer to the value. */
  path: string;
  name: string;
  value: unknown;
  onChange: (value: unknown) => void;
  errors: ReadonlyMap<string, string>;
  required: boolean;
}

export function SchemaField(props: SchemaFieldProps) {
  const schema = resolved(props.schema, props.root);
  const inner = { ...props, schema };
  switch (shapeOf(schema)) {
    case "object":
      return <ObjectField {...inner} />;
    case "array":
      return <ArrayField {...inner} />;
    case "choice":
      return <ChoiceField {...inner} />;
    case "const":
      return null;
    default:
      return <ScalarField {...inner} nullable={isNullable(props.schema)} />;
  }
}

function titleOf({ schema, name }: Pick<SchemaFieldProps, "schema" | "name">): string {
  const words = (schema.title ?? name).replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function ObjectField(props: SchemaFieldProps) {
  const { schema, root, path, value, onChange, errors } = props;
  const given = isRecord(value) ? value : {};
  const set = (name: string, next: unknown) => {
    const { [name]: _, ...rest } = given;
    onChange(next === undefined ? rest : { ...given, [name]: next });
  };
  const fields = Object.entries(schema.properties ?? {}).map(([name, inner]) => (
    <SchemaField
      key={name}
      schema={inner}
      root={root}
      path={`${path}/${name}`}
      name={name}
      value={given[name]}
      onChange={(next) => set(name, next)}
      errors={errors}
      required={schema.required?.includes(name) ?? false}
    />
  ));
  if (path === "") return fields;
  return (
    <fieldset className="schema-group">
      <legend>{titleOf(props)}</legend>
      {schema.description && <p className="field-note">{schema.description}</p>}
      {fields}
    </fieldset>
  );
}

function ArrayField(props: SchemaFieldProps) {
  const { schema, root, path, value, onChange, errors } = props;
  const items = Array.isArray(value) ? (value as unknown[]) : [];
  const inner = typeof schema.items === "object" ? schema.items : {};
  return (
    <fieldset className="schema-group">
      <legend>{titleOf(props)}</legend>
      {schema.description && <p className="field-note">{schema.description}</p>}
      {items.map((item, i) => (
        <div key={i} className="schema-item">
          <SchemaField
            schema={inner}
            root={root}
            path={`${path}/${i}`}
            name={`${i + 1}`}
            value={item}
            onChange={(next) => onChange(items.with(i, next))}
            errors={errors}
            required={false}
          />
          <Button
            small
            kind="quiet"
            aria-label={`Remove ${i + 1}`}
            icon={<X aria-hidden />}
            onClick={() => onChange(items.toSpliced(i, 1))}
          />
        </div>
      ))}
      <div>
        <Button small icon={<Plus aria-hidden />} onClick={() => onChange([...items, blank(inner, root)])}>
          Add
        </Button>
      </div>
      {errors.get(path) && <p className="schema-problem">{errors.get(path)}</p>}
    </fieldset>
  );
}

function ChoiceField(props: SchemaFieldProps) {
  const { schema, root, value, onChange, required } = props;
  const all = ways(schema);
  const chosen = value === undefined ? -1 : wayOf(value, schema, root);
  const way = all[chosen];
  return (
    <>
      <Field label={titleOf(props)} hint={schema.description} required={required}>
        <select value={chosen} onChange={(event) => onChange(blank(all[Number(event.target.value)] ?? {}, root))}>
          {chosen < 0 && <option value={-1}>–</option>}
          {all.map((one, i) => (
            <option key={i} value={i}>
              {resolved(one, root).title ?? [one.type].flat().join(" or ") ?? `form ${i + 1}`}
            </option>
          ))}
        </select>
      </Field>
      {way && <SchemaField {...props} schema={way} />}
    </>
  );
}

function ScalarField({ nullable, ...props }: SchemaFieldProps & { nullable: boolean }) {
  const { schema, path, name, value, onChange, errors, required } = props;
  const about = {
    name,
    label: titleOf(props),
    hint: schema.description,
    error: errors.get(path),
    required: required && !nullable,
  };
  const none = nullable ? null : undefined;
  switch (shapeOf(schema)) {
    case "boolean":
      return (
        <label className="schema-check">
          <input type="checkbox" checked={value === true} onChange={(event) => onChange(event.target.checked)} />
          {about.label} {about.hint && <span className="field-note">{about.hint}</span>}
        </label>
      );
    case "enum":
      return (
        <Field {...about}>
          <select
            value={JSON.stringify(value)}
            onChange={(event) => onChange(event.target.value ? JSON.parse(event.target.value) : none)}
          >
            {!about.required && <option value="">–</option>}
            {schema.enum?.map((option) => (
              <option key={String(option)} value={JSON.stringify(option)}>
                {String(option)}
              </option>
            ))}
          </select>
        </Field>
      );
    case "number":
      return (
        <Field {...about}>
          <input
            type="number"
            step={[schema.type].flat().includes("integer") ? 1 : "any"}
            min={schema.minimum ?? schema.exclusiveMinimum}
            max={schema.maximum ?? schema.exclusiveMaximum}
            value={typeof value === "number" ? value : ""}
            onChange={(event) => onChange(event.target.value === "" ? none : event.target.valueAsNumber)}
          />
        </Field>
      );
    case "text":
      return (
        <Field {...about}>
          <input
            value={typeof value === "string" ? value : ""}
            onChange={(event) => onChange(event.target.value === "" && !about.required ? none : event.target.value)}
          />
        </Field>
      );
    default:
      return <JsonField about={about} value={value} onChange={onChange} />;
  }
}

interface JsonFieldProps {
  about: { label: string; name: string; hint: string | undefined; error: string | undefined; required: boolean };
  value: unknown;
  onChange: (value: unknown) => void;
}

/** What has no form of its own is written as JSON. */
function JsonField({ about, value, onChange }: JsonFieldProps) {
  const [text, setText] = useState(value === undefined ? "" : JSON.stringify(value, null, 2));
  const [wrong, setWrong] = useState(false);
  const write = (next: string) => {
    setText(next);
    try {
      onChange(next.trim() === "" ? undefined : JSON.parse(next));
      setWrong(false);
    } catch {
      setWrong(true);
    }
  };
  return (
    <Field {...about} error={wrong ? "not JSON yet" : about.error}>
      <textarea
        className="mono"
        rows={4}
        spellCheck={false}
        value={text}
        onChange={(event) => write(event.target.value)}
      />
    </Field>
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
