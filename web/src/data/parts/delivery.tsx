import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import type { Schema } from "../../kernel/api/types";
import { Section } from "../../ui/card";
import { Loaded } from "../../ui/loaded";
import { Num } from "../../ui/num";
import { RefLink } from "../../ui/ref-link";
import { Skeleton } from "../../ui/skeleton";
import { Status } from "../../ui/status";
import { Time } from "../../ui/time";
import { checkKey } from "../checks";
import { deliveryQuery } from "../queries";
import { Reasons, Sentence } from "./reasons";
import "./delivery.css";

type Delivery = Schema<"Delivery">;

interface PanelProps {
  story: Schema<"DatasetStory">;
  mark: { key: string; attempt: number };
  schema: readonly string[];
  check: string;
  onCheck: (check: string) => void;
  /** What delivers again, given the source of the delivery. */
  again?: ((source: string) => ReactNode) | undefined;
}

/** One delivery: why it was refused, or what it was measured by. */
export function DeliveryPanel({ story, mark, ...rest }: PanelProps) {
  const { failing, state } = story;
  const isFailing = failing !== null && same(failing, mark);
  const asked = useQuery({ ...deliveryQuery(state.dataset.name, mark.key, mark.attempt), enabled: !isFailing });
  const query = isFailing ? { ...asked, data: failing, error: null } : asked;
  return (
    <Loaded query={query} skeleton={<Skeleton lines={6} />}>
      {(delivery) => <Told delivery={delivery} story={story} {...rest} />}
    </Loaded>
  );
}

export function same(a: { key: string; attempt: number }, b: { key: string; attempt: number }): boolean {
  return a.key === b.key && a.attempt === b.attempt;
}

function Told({ delivery, story, schema, check, onCheck, again }: Omit<PanelProps, "mark"> & { delivery: Delivery }) {
  const { contract } = story.state.dataset;
  const refused = delivery.state === "quarantined";
  const passed = delivery.report.results?.filter((result) => result.passed) ?? [];
  return (
    <Section
      title={refused ? `Why ${delivery.key} was quarantined` : `${delivery.key} was accepted`}
      note={
        <>
          attempt {delivery.attempt} · <Time at={delivery.delivered_at} /> · <Num value={delivery.rows} unit="rows" /> ·{" "}
          <RefLink to={delivery.delivered_by} bare />
        </>
      }
      aside={refused ? <Outcome delivery={delivery} story={story} again={again} /> : <Made delivery={delivery} />}
    >
      {delivery.note && <p className="delivery-note">{delivery.note}</p>}
      {refused && <Reasons {...{ delivery, contract, schema, check, onCheck }} />}
      {passed.length > 0 && (
        <details className="delivery-passed" open={!refused || undefined}>
          <summary>
            {passed.length} {passed.length === 1 ? "check" : "checks"} passed
          </summary>
          <ul>
            {passed.map((result) => (
              <li key={checkKey(result)}>
                <Sentence result={result} contract={contract} />
                {result.violations > 0 && (
                  <span className="muted"> · {result.violations} rows violate it, as many are tolerated</span>
                )}
              </li>
            ))}
          </ul>
        </details>
      )}
    </Section>
  );
}

/** What became of a refused key: accepted since, or still out. */
function Outcome({ delivery, story, again }: { delivery: Delivery } & Pick<PanelProps, "story" | "again">) {
  const { mended, deliveries, failing } = story;
  const accepted =
    failing && same(failing, delivery)
      ? mended
      : deliveries.find(
          ({ key, state, attempt }) => key === delivery.key && state === "accepted" && attempt > delivery.attempt,
        );
  if (!accepted)
    return (
      <>
        <Status kind="bad" word="In quarantine" />
        {again?.(delivery.source)}
      </>
    );
  return (
    <>
      <Status kind="ok" word={`Accepted in attempt ${accepted.attempt}`} />
      <RefLink to={`dataset:${delivery.dataset}@${accepted.version}`} bare />
    </>
  );
}

function Made({ delivery }: { delivery: Delivery }) {
  return (
    <>
      <Status kind="ok" word="Accepted as" />
      <RefLink to={`dataset:${delivery.dataset}@${delivery.version}`} bare />
    </>
  );
}
