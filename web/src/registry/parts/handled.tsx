import { useState } from "react";
import { send } from "../../kernel/api/client";
import type { Schema } from "../../kernel/api/types";
import { count } from "../../kernel/number";
import { useMay } from "../../kernel/session";
import { Button } from "../../ui/button";
import { Section } from "../../ui/card";
import { Facts } from "../../ui/facts";
import { Field } from "../../ui/field";
import { FormDialog } from "../../ui/form-dialog";
import { RefLink } from "../../ui/ref-link";
import { Status } from "../../ui/status";
import { Time } from "../../ui/time";
import { toast } from "../../ui/toasts";

type Handled = Schema<"Handled">;

const CARE: Record<Handled["care"], string> = {
  none: "in any process: plain data, no code",
  parser: "in a separate process: a C library reads it",
  code: "in the sandbox only: it may run code when loaded",
};

/** What it takes to load a version, and who allowed that. */
export function Trusted({ model, found }: { model: string; found: Handled }) {
  const may = useMay("model:approve");
  const [asking, setAsking] = useState(false);
  const code = found.care === "code";
  const trusted = found.trust?.flavors.includes(found.flavor) ?? false;
  const change = code && (
    <Button
      small
      disabled={!may}
      title={may ? undefined : "needs the permission model:approve"}
      onClick={() => setAsking(true)}
    >
      {trusted ? "Withdraw trust…" : `Trust ${model} with it…`}
    </Button>
  );
  return (
    <Section title="Trust" aside={change}>
      <Facts
        items={[
          ["Loaded", CARE[found.care]],
          ["Here", <Here key="here" {...found} />],
          ...(code ? [["Allowed by", <By key="by" {...found} />] as const] : []),
          ...(found.types.length ? [["Types in it", <Types key="types" of={found.types} />] as const] : []),
        ]}
      />
      {asking && <TrustDialog model={model} found={found} trusted={trusted} onClose={() => setAsking(false)} />}
    </Section>
  );
}

function Here({ problem, hint }: Handled) {
  if (!problem) return <Status kind="ok" word="it may be loaded" />;
  return (
    <>
      <Status kind="warn" word={problem} /> {hint && <span className="muted">It takes {hint}.</span>}
    </>
  );
}

function By({ trust }: Handled) {
  if (!trust?.by) return <span className="muted">nobody</span>;
  return (
    <>
      <RefLink to={trust.by} /> {trust.at && <Time at={trust.at} />}
      {trust.flavors.length === 0 && " withdrew it"}
      <q className="model-reason">{trust.reason}</q>
    </>
  );
}

function Types({ of }: { of: Handled["types"] }) {
  const own = of.filter(({ listed }) => listed === "ostinato");
  return (
    <details>
      <summary>
        {count(of.length, "type")}, all on a list
        {own.length > 0 && `: ${of.length - own.length} that skops trusts, ${own.length} that Ostinato allows besides`}
      </summary>
      <ul className="model-types">
        {of.map(({ name, listed }) => (
          <li key={name}>
            <code>{name}</code> {listed === "ostinato" && <span className="muted">allowed by Ostinato</span>}
          </li>
        ))}
      </ul>
    </details>
  );
}

interface TrustDialogProps {
  model: string;
  found: Handled;
  trusted: boolean;
  onClose: () => void;
}

function TrustDialog({ model, found, trusted, onClose }: TrustDialogProps) {
  const before = found.trust?.flavors ?? [];
  const after = trusted ? before.filter((flavor) => flavor !== found.flavor) : [...before, found.flavor];
  const say = (flavors: string[], reason: string) =>
    send("post", "/models/{model}/trust", { path: { model }, body: { flavors, reason } });
  return (
    <FormDialog
      title={trusted ? `Trust ${model} with ${found.flavor} no longer?` : `Trust ${model} with ${found.flavor}?`}
      verb={trusted ? "Trust no longer" : "Trust"}
      danger={!trusted}
      lead={
        trusted
          ? "It is not loaded again; what an endpoint has loaded goes on until another version is deployed there."
          : "Its versions may run code when they are loaded, in a sandbox without files, network or other processes, if the operator of the store allows that as well."
      }
      act={(given) => say(after, given("reason"))}
      onDone={() => {
        toast({
          text: `${model} is ${trusted ? "no longer " : ""}trusted with ${found.flavor}`,
          undo: () => say(before, "undone"),
        });
        onClose();
      }}
      onClose={onClose}
    >
      <Field label="Reason" name="reason" required hint="Kept in the ledger.">
        <textarea rows={3} required />
      </Field>
    </FormDialog>
  );
}
