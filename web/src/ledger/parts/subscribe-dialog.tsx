import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { send } from "../../kernel/api/client";
import type { Schema } from "../../kernel/api/types";
import { Button } from "../../ui/button";
import { Code } from "../../ui/code";
import { Dialog } from "../../ui/dialog";
import { Field } from "../../ui/field";
import { FormDialog, type Given } from "../../ui/form-dialog";
import { SchemaField } from "../../ui/schema-form/fields";
import { blank, type Schema as Rules } from "../../ui/schema-form/schema";
import { sinksQuery } from "../queries";

type Subscription = Schema<"Subscription">;
type Parameters = Subscription["parameters"];

const NONE: ReadonlyMap<string, string> = new Map();

/** Where the events go, and which. */
export function SubscribeDialog({ onClose }: { onClose: () => void }) {
  const { data: sinks = [] } = useQuery(sinksQuery);
  const [sink, setSink] = useState("webhook");
  const chosen = sinks.find(({ name }) => name === sink);
  const schema = (chosen?.parameters ?? {}) as Rules;
  const [given, setGiven] = useState<Record<string, unknown>>({});
  const [made, setMade] = useState<Subscription>();
  if (made) return <Secret of={made} onClose={onClose} />;
  const parameters = given[sink] ?? blank(schema);
  const act = (field: Given) => {
    const verbs = field("verbs")
      .split(/[\s,]+/)
      .filter(Boolean);
    const body = { sink, parameters: parameters as Parameters, verbs };
    return send("post", "/ledger/subscriptions/{name}", { path: { name: field("name") }, body });
  };
  return (
    <FormDialog title="New subscription" verb="Subscribe" act={act} onDone={setMade} onClose={onClose}>
      <Field label="Name" name="name" required>
        <input required autoComplete="off" placeholder="ops" />
      </Field>
      <Field label="To" name="sink" hint={chosen?.summary}>
        <select value={sink} onChange={(event) => setSink(event.target.value)}>
          {sinks.map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </Field>
      {chosen && (
        <SchemaField
          key={sink}
          schema={schema}
          root={schema}
          path=""
          name=""
          value={parameters}
          onChange={(value) => setGiven({ ...given, [sink]: value })}
          errors={NONE}
          required
        />
      )}
      <Field
        label="Which"
        name="verbs"
        hint="Event names or patterns, separated by spaces: model.* endpoint.*; empty for all."
      >
        <input className="mono" autoComplete="off" spellCheck={false} />
      </Field>
    </FormDialog>
  );
}

function Secret({ of: { name, secret }, onClose }: { of: Subscription; onClose: () => void }) {
  return (
    <Dialog
      title={`${name} gets what happens from now on`}
      onClose={onClose}
      actions={<Button onClick={onClose}>Done</Button>}
    >
      <p>
        Web hooks are signed by this secret, as Standard Webhooks says. It is not shown again, but by who subscribes the
        same once more.
      </p>
      <Code command label="secret" text={secret ?? ""} />
    </Dialog>
  );
}
