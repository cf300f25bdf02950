import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { flag, useUrlState } from "../../kernel/url";
import { Button } from "../../ui/button";
import { Section } from "../../ui/card";
import { Loaded } from "../../ui/loaded";
import { RefLink } from "../../ui/ref-link";
import { Status, StatusGlyph, type StatusKind } from "../../ui/status";
import { Time } from "../../ui/time";
import { inboxQuery } from "../queries";
import type { Item } from "./queries";

const FIELDS = { waiting: flag() };
const KINDS = [
  { kind: "emergency", look: "bad", head: "Break-glass reviews" },
  { kind: "approval", look: "waiting", head: "Approvals" },
  { kind: "rollout", look: "waiting", head: "Inconclusive rollouts" },
  { kind: "quarantine", look: "bad", head: "Quarantined deliveries" },
  { kind: "failure", look: "bad", head: "My failed runs" },
  { kind: "finding", look: "warn", head: "Findings" },
] as const satisfies readonly { kind: Item["kind"]; look: StatusKind; head: string }[];
const SHOWN = 4;

/** What waits for the person at the screen, by what kind of thing it is. */
export function Waiting() {
  const inbox = useQuery(inboxQuery);
  const [{ waiting: whole }, set] = useUrlState(FIELDS);
  const counts = inbox.data?.counts ?? {};
  const total = Object.values(counts).reduce((sum, some) => sum + some, 0);
  return (
    <div id="waiting" className="waiting" tabIndex={-1}>
      <Section title="Waiting for me" note={total > 0 ? total : undefined}>
        <Loaded query={inbox}>
          {({ items }) =>
            total === 0 ? (
              <Status kind="ok" word="Nothing is waiting for you" />
            ) : (
              <>
                {KINDS.map((group) => (
                  <Group key={group.kind} {...group} items={items} count={counts[group.kind] ?? 0} whole={whole} />
                ))}
                {total > KINDS.reduce((shown, { kind }) => shown + Math.min(SHOWN, counts[kind] ?? 0), 0) && (
                  <div>
                    <Button small onClick={() => set({ waiting: !whole })}>
                      {whole
                        ? "Show fewer"
                        : `Show all ${items.length < total ? `of the newest ${items.length}` : total}`}
                    </Button>
                  </div>
                )}
              </>
            )
          }
        </Loaded>
      </Section>
    </div>
  );
}

interface GroupProps {
  kind: Item["kind"];
  look: StatusKind;
  head: string;
  items: readonly Item[];
  count: number;
  whole: boolean;
}

function Group({ kind, look, head, items, count, whole }: GroupProps) {
  const own = useMemo(() => items.filter((item) => item.kind === kind), [items, kind]);
  if (own.length === 0) return null;
  const shown = whole ? own : own.slice(0, SHOWN);
  return (
    <section aria-label={head}>
      <h3>
        {head} <span className="muted">{count}</span>
      </h3>
      <ul>
        {shown.map((item) => (
          <li key={`${item.ref} ${item.verb}`}>
            <StatusGlyph kind={look} />
            <div>
              <p className="waiting-title">
                <RefLink to={item.ref}>{item.title}</RefLink>
                <span className="muted">
                  <Time at={item.since} />
                </span>
              </p>
              {item.detail && (
                <p className="waiting-detail" title={item.detail}>
                  {item.detail}
                </p>
              )}
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}
