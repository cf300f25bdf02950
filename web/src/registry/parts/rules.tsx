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
          ["Owner", <RefLink key="owner" to={model.owner} />],
          ["Risk", model.risk],
          ["Needs", `every gate, and ${count(model.approvals, "approval")} by people other than the author`],
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
