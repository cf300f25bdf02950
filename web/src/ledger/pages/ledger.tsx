import { useQuery } from "@tanstack/react-query";
import { useMay } from "../../kernel/session";
import { useUrlState } from "../../kernel/url";
import { Page } from "../../ui/page";
import { Tabs } from "../../ui/tabs";
import { LEDGER } from "../fields";
import { EventSearch } from "../parts/event-search";
import { InProduction } from "../parts/in-production";
import { Mentions } from "../parts/mentions";
import { SealLine, useSealVerbs, VerifyResult } from "../parts/seal";
import { Subscriptions } from "../parts/subscriptions";
import { mentionsQuery } from "../queries";
import "../ledger.css";

/** Who did what, when, to which thing, and can I believe it? */
export function LedgerPage() {
  const [{ tab: wanted }, set] = useUrlState(LEDGER);
  const seal = useSealVerbs();
  const admin = useMay("access:admin");
  const { data: mentions } = useQuery(mentionsQuery);
  const items = [
    { value: "events", text: "Events" },
    { value: "production", text: "What was in production" },
    { value: "mentions", text: "Mentions of me", note: mentions?.items.length || undefined },
    ...(admin ? ([{ value: "subscriptions", text: "Subscriptions" }] as const) : []),
  ] as const;
  const tab = items.some(({ value }) => value === wanted) ? wanted : "events";
  return (
    <Page title="Ledger" lead={<SealLine />} actions={seal.actions}>
      <VerifyResult verify={seal.verify} />
      <Tabs label="Ledger" items={items} value={tab} onChange={(next) => set({ tab: next }, { push: true })}>
        {tab === "events" && <EventSearch />}
        {tab === "production" && <InProduction />}
        {tab === "mentions" && <Mentions />}
        {tab === "subscriptions" && <Subscriptions />}
      </Tabs>
      {seal.dialog}
    </Page>
  );
}
