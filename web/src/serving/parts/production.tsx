import { useQuery } from "@tanstack/react-query";
import { percent } from "../../kernel/number";
import { exact } from "../../kernel/time";
import { Section } from "../../ui/card";
import { Facts } from "../../ui/facts";
import { Loaded } from "../../ui/loaded";
import { RefLink } from "../../ui/ref-link";
import { Skeleton } from "../../ui/skeleton";
import { Tag } from "../../ui/status";
import { instantOf } from "../fields";
import { productionQuery } from "../queries";
import { typeset } from "../words";
import { Approver } from "./approver";

/** The auditor's question: what answers, or answered then, since when, by whose act, and who had approved it? */
export function InProduction({ endpoint, at }: { endpoint: string; at: string | undefined }) {
  const production = useQuery(productionQuery(endpoint, instantOf(at)));
  return (
    <Section title={at ? "In production then" : "In production"}>
      <Loaded query={production} skeleton={<Skeleton lines={5} />}>
        {(found) =>
          found === null ? (
            <p className="muted">Nothing answered then.</p>
          ) : (
            <Facts
              items={[
                ...found.versions.map(
                  ({ version, role, weight }) =>
                    [
                      role === "stable" ? "Version" : "Candidate",
                      <span key="v" className="row">
                        <RefLink to={version} bare />
                        {found.versions.length > 1 && <Tag text={`${percent(weight, 0)} of traffic`} />}
                      </span>,
                    ] as const,
                ),
                ["Since", exact(found.since)],
                ["By", <RefLink key="by" to={found.by} />],
                ["Reason", typeset(found.reason) || "none given"],
                ...found.versions.map(({ version, approved_by, reasons }) => {
                  const label =
                    found.versions.length > 1 ? `${version.replace("model:", "")} approved by` : "Approved by";
                  return [label, <Approver key={version} by={approved_by} reasons={reasons} />] as const;
                }),
                ...(found.rollout
                  ? [["Rollout", <RefLink key="r" to={`rollout:${found.rollout}`} bare />] as const]
                  : []),
              ]}
            />
          )
        }
      </Loaded>
    </Section>
  );
}
