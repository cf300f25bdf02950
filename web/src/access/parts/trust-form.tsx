import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { send } from "../../kernel/api/client";
import type { Schema } from "../../kernel/api/types";
import { Field } from "../../ui/field";
import { FormDialog, type Given } from "../../ui/form-dialog";
import { claimsOf, claimsText } from "../claims";
import { patternsOf } from "../permissions";
import { actorsQuery } from "../queries";
import { PermissionField } from "./permission-field";

type Trust = Schema<"ostinato.access.types.Trust">;

const GITHUB = "https://token.actions.githubusercontent.com";
const CLAIMS = { repository_id: "", ref: "refs/heads/main" };

/** Declares what an issuer's token must say, and what it is exchanged for. */
export function TrustForm({ trust, onClose }: { trust?: Trust; onClose: () => void }) {
  const [patterns, setPatterns] = useState(trust?.permissions?.join(" ") ?? "run:* model:write *:read");
  return (
    <FormDialog
      wide
      title={trust ? `Change ${trust.name}` : "Trust an issuer"}
      verb={trust ? "Change" : "Trust"}
      act={(given) => declare(trust?.name ?? given("name"), given, patterns)}
      onClose={onClose}
    >
      <div className="form form-two">
        {!trust && (
          <Field label="Name" name="name" required>
            <input required autoComplete="off" />
          </Field>
        )}
        <Service known={trust?.service} />
        <Field label="Issuer" name="issuer" hint="Exactly as it calls itself." required>
          <input inputMode="url" required defaultValue={trust?.issuer ?? GITHUB} />
        </Field>
        <Field
          label="Audience"
          name="audience"
          hint="For which the job asks its token: the address of this server."
          required
        >
          <input inputMode="url" required defaultValue={trust?.audience ?? location.origin} />
        </Field>
        <Field
          label="Its token must say"
          name="claims"
          hint="A claim a line, word for word. One must name the repository or project; its number is better than its name."
          required
        >
          <textarea
            className="mono"
            rows={4}
            required
            spellCheck={false}
            defaultValue={claimsText(trust?.claims ?? CLAIMS)}
          />
        </Field>
        <div className="form">
          <PermissionField value={patterns} onChange={setPatterns} />
        </div>
        <Field label="Minutes" name="minutes" hint="How long a token is good for, at most 60.">
          <input type="number" required min={1} max={60} defaultValue={trust?.minutes ?? 15} />
        </Field>
      </div>
    </FormDialog>
  );
}

function declare(trust: string, given: Given, patterns: string) {
  const body = {
    service: given("service"),
    issuer: given("issuer"),
    audience: given("audience"),
    claims: claimsOf(given("claims")),
    permissions: patternsOf(patterns),
    minutes: Number(given("minutes")),
  };
  return send("put", "/access/trusts/{trust}", { path: { trust }, body });
}

function Service({ known }: { known: string | undefined }) {
  const { data: actors = [], isSuccess } = useQuery(actorsQuery);
  const services = actors.filter(({ kind, disabled }) => kind === "service" && !disabled).map(({ id }) => id);
  return (
    <Field
      label="Its tokens speak for"
      name="service"
      {...(isSuccess && services.length === 0 && { error: "There is no service account yet" })}
    >
      <select required key={services.length} defaultValue={known}>
        {services.map((id) => (
          <option key={id}>{id}</option>
        ))}
      </select>
    </Field>
  );
}
