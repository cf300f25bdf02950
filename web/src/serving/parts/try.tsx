import { useMutation, useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { send } from "../../kernel/api/client";
import { ApiError } from "../../kernel/api/errors";
import type { Schema } from "../../kernel/api/types";
import { useMay } from "../../kernel/session";
import { duration } from "../../kernel/time";
import { Button } from "../../ui/button";
import { Section } from "../../ui/card";
import { ErrorBox } from "../../ui/error-box";
import { Loaded } from "../../ui/loaded";
import { Meter } from "../../ui/meter";
import { Num } from "../../ui/num";
import { RefLink } from "../../ui/ref-link";
import { blank, type Schema as Rules } from "../../ui/schema-form/schema";
import { SchemaForm } from "../../ui/schema-form/schema-form";
import { Skeleton } from "../../ui/skeleton";
import { Tag } from "../../ui/status";
import { formQuery } from "../queries";

type Form = Schema<"Form">;
type Row = Form["example"];

/** Ask every version behind the endpoint; nobody else hears of it. */
export function TryIt({ endpoint }: { endpoint: string }) {
  const form = useQuery(formQuery(endpoint));
  return (
    <Loaded query={form} skeleton={<Skeleton height={320} />}>
      {(given) => <TryForm key={given.version} endpoint={endpoint} form={given} />}
    </Loaded>
  );
}

function TryForm({ endpoint, form }: { endpoint: string; form: Form }) {
  const may = useMay("endpoint:invoke");
  const schema = form.schema as Rules;
  const begin = useMemo(() => ({ ...(blank(schema) as Row), ...form.example }), [schema, form.example]);
  const [row, setRow] = useState<Row>(begin);
  const tried = useMutation({
    mutationFn: (asked: Row) => send("post", "/endpoints/{endpoint}/try", { path: { endpoint }, body: { row: asked } }),
  });
  const { errors, other } = wrongs(tried.error);
  const change = (next: unknown) => {
    setRow(next as Row);
    tried.reset();
  };
  return (
    <div className="serving-try">
      <Section title="Inputs" note="filled from a recent request">
        <SchemaForm
          schema={schema}
          value={row}
          onChange={change}
          onSubmit={(value) => may && tried.mutate(value as Row)}
          verb="Predict"
          busy={tried.isPending}
          errors={errors}
        >
          <Button onClick={() => change(begin)}>Reset</Button>
          {!may && <span className="muted">Needs the permission endpoint:invoke.</span>}
        </SchemaForm>
      </Section>
      <Section title="Prediction" note="not logged">
        <div aria-live="polite" className="serving-answers">
          {tried.isIdle && <p className="muted">Choose “Predict” to score these inputs.</p>}
          {tried.isPending && <Skeleton lines={2} />}
          {other !== undefined && <ErrorBox error={other} />}
          {tried.data?.map(({ version, role, score, latency_ms }) => (
            <div key={version} className="serving-answer">
              <span className="row">
                <RefLink to={version} bare /> <Tag text={role} />
              </span>
              <span className="serving-score">
                <Num value={score} />
              </span>
              <Meter share={score} kind="info" />
              <span className="muted">in {duration(latency_ms)}</span>
            </div>
          ))}
        </div>
      </Section>
    </div>
  );
}

/** What the server finds wrong about one input stands beside that input. */
function wrongs(error: unknown): { errors: ReadonlyMap<string, string>; other?: unknown } {
  if (error === null) return { errors: new Map() };
  const field = error instanceof ApiError ? error.field : undefined;
  if (!field?.startsWith("row.")) return { errors: new Map(), other: error };
  return { errors: new Map([[`/${field.slice(4)}`, (error as ApiError).message]]) };
}
