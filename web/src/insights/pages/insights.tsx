import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { count, percent } from "../../kernel/number";
import { time } from "../../kernel/time";
import { useUrlState } from "../../kernel/url";
import { Section } from "../../ui/card";
import { Empty } from "../../ui/empty";
import { Loaded } from "../../ui/loaded";
import { Page } from "../../ui/page";
import { Skeleton } from "../../ui/skeleton";
import { Segments } from "../../ui/tabs";
import { type Case, cases, span } from "../cases";
import { Costs } from "../parts/cost";
import { Figure } from "../parts/figure";
import { Passages } from "../parts/passages";
import { Stems } from "../parts/stems";
import { type Practice, practiceQuery } from "../queries";
import { FIELDS, WINDOWS } from "../windows";
import "../insights.css";

/** Where do we wait, how often does a change fail, and what does it cost? */
export function InsightsPage() {
  const [{ days }, set] = useUrlState(FIELDS);
  const practice = useQuery(practiceQuery(days));
  return (
    <Page
      title="Insights"
      lead="Delivery performance: lead time, waiting, failures and cost by stage."
      actions={<Segments label="Window" items={WINDOWS} value={days} onChange={(next) => set({ days: next })} />}
    >
      <Loaded query={practice} skeleton={<Skeleton height={220} />}>
        {(told) => (
          <>
            <Figures practice={told} />
            <Section title="Lead time by version" note={told.passages.length || undefined}>
              {told.passages.length > 0 ? (
                <Passages passages={told.passages} />
              ) : (
                <Empty title="No version was approved or deployed in this window">A longer one may hold some.</Empty>
              )}
            </Section>
            <Section title="Cost per stage">
              {told.stages.length > 0 ? <Costs stages={told.stages} /> : <Empty title="No run ended in this window" />}
            </Section>
          </>
        )}
      </Loaded>
    </Page>
  );
}

function Figures({ practice }: { practice: Practice }) {
  const { passages, lead_time, approval_wait, failed_changes, restore } = practice;
  const [since, until] = [time(practice.since), time(practice.until)];
  const stems = (label: string, own: readonly Case[], median?: number | null) =>
    own.length > 0 && <Stems label={label} cases={own} since={since} until={until} median={median} />;
  const live = cases(passages, "live_at", "live_at", since);
  const back = new Set(passages.filter(({ taken_back_at }) => taken_back_at).map(({ version }) => version));
  return (
    <div className="figures">
      <Figure
        title="Lead time"
        value={span(lead_time.p50_h)}
        note={<Spread {...lead_time} />}
        about="From the delivery of a version's newest data to its first prediction in production."
      >
        {stems("Lead time", cases(passages, "delivered_at", "live_at", since), lead_time.p50_h)}
      </Figure>
      <Figure
        title="Approval time"
        value={span(approval_wait.p50_h)}
        note={<Spread {...approval_wait} />}
        about="From the registration of a version to its last needed approval."
      >
        {stems("Approval time", cases(passages, "registered_at", "approved_at", since), approval_wait.p50_h)}
      </Figure>
      <Figure
        title="Change failure rate"
        value={failed_changes.share == null ? "–" : percent(failed_changes.share, 0)}
        note={<Failed {...failed_changes} />}
        about="Deployed versions that were rolled back."
      >
        {stems(
          "Changes",
          live.map((one) => ({ ...one, bad: back.has(one.ref) })),
        )}
      </Figure>
      <Figure
        title="Time to restore"
        value={span(restore.p50_h)}
        note={<Spread {...restore} />}
        about="From the deployment of a failed version to its rollback."
      >
        {stems("Time to restore", cases(passages, "live_at", "taken_back_at", since), restore.p50_h)}
      </Figure>
    </div>
  );
}

function Spread({ cases: number, p90_h, worst_h }: Practice["lead_time"]): ReactNode {
  if (number === 0) return "no case in this window";
  if (number === 1) return "1 case";
  if (worst_h != null && worst_h * 3600 < 1) return `each of ${number} cases`;
  return `median of ${count(number, "case")}; p90 ${span(p90_h)}, max ${span(worst_h)}`;
}

function Failed({ cases: number, hits, low, high }: Practice["failed_changes"]): ReactNode {
  if (number === 0 || low == null || high == null) return "no change in this window";
  return `${hits} of ${count(number, "change")}; 95 % interval ${percent(low, 0)} to ${percent(high, 0)}`;
}
