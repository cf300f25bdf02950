import { useQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useState } from "react";
import { send } from "../../kernel/api/client";
import type { Schema } from "../../kernel/api/types";
import { useMay } from "../../kernel/session";
import { Button } from "../../ui/button";
import { Section } from "../../ui/card";
import { useConfirm } from "../../ui/confirm";
import { Empty } from "../../ui/empty";
import { Facts } from "../../ui/facts";
import { Loaded } from "../../ui/loaded";
import { RefLink } from "../../ui/ref-link";
import { Time } from "../../ui/time";
import { trustsQuery } from "../queries";
import { TrustForm } from "./trust-form";

type Trust = Schema<"ostinato.access.types.Trust">;

/** Which CI may get tokens here without a secret: whom it speaks for, and what its own token must say. */
export function Trusts() {
  const may = useMay("access:admin");
  const confirm = useConfirm();
  const trusts = useQuery(trustsQuery);
  const [form, setForm] = useState<Trust | "new">();
  const drop = (trust: Trust) =>
    void confirm({
      title: `Remove the trust ${trust.name}?`,
      text: `Its jobs get no more tokens of ${trust.service}, and those they hold end now.`,
      verb: "Remove",
      danger: true,
      act: () => send("delete", "/access/trusts/{trust}", { path: { trust: trust.name } }),
    });
  return (
    <Section
      title="Trusted issuers"
      note={trusts.data?.length}
      aside={
        may && (
          <Button small icon={<Plus aria-hidden />} onClick={() => setForm("new")}>
            Trust an issuer
          </Button>
        )
      }
    >
      <Loaded
        query={trusts}
        empty={
          <Empty title="No trusted issuers">
            A job in GitHub, GitLab, Buildkite or Kubernetes exchanges its own token for a short one of a service
            account; no secret is stored there.
          </Empty>
        }
      >
        {(all) => (
          <ul className="access-own">
            {all.map((trust) => (
              <li key={trust.name}>
                <div>
                  <strong>{trust.name}</strong> gives <RefLink to={trust.service} /> for {trust.minutes} min
                  <Facts
                    items={[
                      ["Issuer", trust.issuer],
                      ["Audience", trust.audience],
                      [
                        "Must say",
                        Object.entries(trust.claims)
                          .map(([claim, value]) => `${claim} = ${value}`)
                          .join(", "),
                      ],
                      ["May", trust.permissions?.join(" ") ?? "all that the service may"],
                      [
                        "Declared",
                        <span key="by" className="row">
                          <RefLink to={trust.created_by} bare /> <Time at={trust.created_at} />
                        </span>,
                      ],
                    ]}
                  />
                </div>
                {may && (
                  <span className="row">
                    <Button small kind="quiet" onClick={() => setForm(trust)}>
                      Change
                    </Button>
                    <Button small kind="danger" onClick={() => drop(trust)}>
                      Remove
                    </Button>
                  </span>
                )}
              </li>
            ))}
          </ul>
        )}
      </Loaded>
      {form && <TrustForm {...(form !== "new" && { trust: form })} onClose={() => setForm(undefined)} />}
    </Section>
  );
}
