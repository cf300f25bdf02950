import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { send } from "../../kernel/api/client";
import type { Schema } from "../../kernel/api/types";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { ErrorBox } from "../../ui/error-box";
import { Field } from "../../ui/field";
import { claimsOf, claimsText } from "../claims";
import { patternsOf } from "../permissions";
import { actorsQuery } from "../queries";
import { PermissionField } from "./permission-field";

const GITHUB = "https://token.actions.githubusercontent.com";

interface Draft {
  name: string;
  service: string;
  issuer: string;
  audience: string;
  claims: string;
  patterns: string;
  minutes: number;
}

function draftOf(trust: Schema<"Trust"> | undefined): Draft {
  return {
    name: trust?.name ?? "",
    service: trust?.service ?? "",
    issuer: trust?.issuer ?? GITHUB,
    audience: trust?.audience ?? location.origin,
    claims: claimsText(trust?.claims ?? { repository_id: "", ref: "refs/heads/main" }),
    patterns: trust?.permissions?.join(" ") ?? "run:* model:write *:read",
    minutes: trust?.minutes ?? 15,
  };
}

/** Declares what an issuer's token must say, and what it is exchanged for. */
export function TrustForm({ trust, onClose }: { trust?: Schema<"Trust">; onClose: () => void }) {
  const form = useId();
  const { data: actors = [] } = useQuery(actorsQuery);
  const services = actors.filter(({ kind, disabled }) => kind === "service" && !disabled).map(({ id }) => id);
  const [given, setDraft] = useState(() => draftOf(trust));
  const draft = { ...given, service: given.service || (services[0] ?? "") };
  const declare = useMutation({
    mutationFn: () => {
      const { name, claims, patterns, ...rest } = draft;
      const body = { ...rest, claims: claimsOf(claims), permissions: patternsOf(patterns) };
      return send("put", "/access/trusts/{trust}", { path: { trust: name }, body });
    },
    onSuccess: onClose,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    declare.mutate();
  };
  const actions = (
    <>
      <Button onClick={onClose}>Cancel</Button>
      <Button kind="primary" type="submit" form={form} busy={declare.isPending}>
        {trust ? "Change" : "Trust"}
      </Button>
    </>
  );
  return (
    <Dialog wide title={trust ? `Change ${trust.name}` : "Trust an issuer"} onClose={onClose} actions={actions}>
      <form id={form} className="access-form access-two" onSubmit={submit}>
        <Fields
          draft={draft}
          services={services}
          known={trust !== undefined}
          onChange={(change) => setDraft({ ...draft, ...change })}
        />
      </form>
      {declare.error && <ErrorBox error={declare.error} />}
    </Dialog>
  );
}

interface FieldsProps {
  draft: Draft;
  services: readonly string[];
  /** Its name stands. */
  known: boolean;
  onChange: (change: Partial<Draft>) => void;
}

function Fields({ draft, services, known, onChange }: FieldsProps) {
  return (
    <>
      <Field label="Name" required>
        <input
          required
          disabled={known}
          value={draft.name}
          onChange={(event) => onChange({ name: event.target.value })}
        />
      </Field>
      <Field label="Its tokens speak for" {...(services.length === 0 && { error: "There is no service account yet" })}>
        <select value={draft.service} onChange={(event) => onChange({ service: event.target.value })}>
          {services.map((id) => (
            <option key={id}>{id}</option>
          ))}
        </select>
      </Field>
      <Field label="Issuer" hint="Exactly as it calls itself." required>
        <input
          type="text"
          inputMode="url"
          required
          value={draft.issuer}
          onChange={(event) => onChange({ issuer: event.target.value })}
        />
      </Field>
      <Field label="Audience" hint="For which the job asks its token: the address of this server." required>
        <input
          type="text"
          inputMode="url"
          required
          value={draft.audience}
          onChange={(event) => onChange({ audience: event.target.value })}
        />
      </Field>
      <Field
        label="Its token must say"
        hint="A claim a line, word for word. One must name the repository or project; its number is better than its name."
        required
      >
        <textarea
          className="mono"
          rows={4}
          required
          spellCheck={false}
          value={draft.claims}
          onChange={(event) => onChange({ claims: event.target.value })}
        />
      </Field>
      <div className="access-form">
        <PermissionField value={draft.patterns} onChange={(patterns) => onChange({ patterns })} />
      </div>
      <Field label="Minutes" hint="How long a token is good for, at most 60.">
        <input
          type="number"
          min={1}
          max={60}
          value={draft.minutes}
          onChange={(event) => onChange({ minutes: event.target.valueAsNumber || 15 })}
        />
      </Field>
    </>
  );
}
