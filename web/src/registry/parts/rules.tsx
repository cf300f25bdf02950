import { useQuery } from "@tanstack/react-query";
import type { Schema } from "../../kernel/api/types";
import { count } from "../../kernel/number";
import { date } from "../../kernel/time";
import { Section } from "../../ui/card";
import { Facts } from "../../ui/facts";
import { RefLink } from "../../ui/ref-link";
import { said } from "../../ui/report/words";
import { policiesQuery } from "../queries";
import { Day } from "./words";

/** What a version of the model must meet, and who has agreed in advance. */
export function Rules({ model, at }: { model: Schema<"Model">; at: string | undefined }) {
  const { data: all = [] } = useQuery(policiesQuery(model.name));
  const policies = at ? all.filter(({ declared_at }) => Date.parse(declared_at) <= Date.parse(at)) : all;
  return (
    <Section title={at ? "Rules then" : "Rules"}>
      <Facts
        items={[
          ["Owners", <Names key="owners" of={model.owners?.length ? model.owners : [model.owner]} />],
          ["Risk", model.risk],
          ["Needs", <Needs key="needs" {...model} />],
          [
            "Gates",
            <ul key="gates" className="model-rules">
              {model.gates.map((gate, i) => (
                <Gate key={i} {...gate} />
              ))}
            </ul>,
          ],
          ...policies.map((policy) => [`Policy ${policy.number}`, <Agreed key={policy.number} {...policy} />] as const),
        ]}
      />
    </Section>
  );
}

/** Refs as links, teams and roles as they are. */
export function Names({ of }: { of: readonly string[] }) {
  return of.map((name, i) => (
    <span key={name}>
      {i > 0 && ", "}
      {name.includes(":") ? <RefLink to={name} /> : name}
    </span>
  ));
}

function Needs({ approvals, tier }: Schema<"Model">) {
  if (approvals === 0) return "nobody's approval";
  const who = tier?.approvers ?? [];
  return (
    <>
      every gate, and {count(approvals, "approval")} by people other than the author
      {who.length > 0 && (
        <>
          , of <Names of={who} />
        </>
      )}
      {tier?.valid_days && `; each holds for ${count(tier.valid_days, "day")}`}
    </>
  );
}

function Gate({ gate, parameters = {} }: Schema<"GateSpec">) {
  const words = Object.entries(parameters).map(([name, value]) => `${name.replaceAll("_", " ")} ${value}`);
  return (
    <li>
      {said(gate)} <span className="muted">{words.join(", ")}</span>
    </li>
  );
}

function Agreed({ authors, declared_by, declared_at, expires_at, reason }: Schema<"Policy">) {
  return (
    <>
      approved in advance by <RefLink to={declared_by} /> on <Day at={declared_at} /> for{" "}
      {authors.map((author) => (
        <RefLink key={author} to={author} />
      ))}
      {expires_at && ` until ${date(expires_at)}`}
      <q className="model-reason">{reason}</q>
    </>
  );
}
