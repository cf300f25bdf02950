import { useMutation, useQuery } from "@tanstack/react-query";
import { Ellipsis, Plus, Send } from "lucide-react";
import { useMemo, useState } from "react";
import { send } from "../../kernel/api/client";
import type { Schema } from "../../kernel/api/types";
import { full } from "../../kernel/number";
import { duration } from "../../kernel/time";
import { useVerbs } from "../../kernel/verbs";
import { Button } from "../../ui/button";
import { Section } from "../../ui/card";
import { useConfirm } from "../../ui/confirm";
import { Empty } from "../../ui/empty";
import { ErrorBox } from "../../ui/error-box";
import { Facts } from "../../ui/facts";
import { Loaded } from "../../ui/loaded";
import { Menu } from "../../ui/menu";
import { RefLink } from "../../ui/ref-link";
import { Status } from "../../ui/status";
import { Time } from "../../ui/time";
import { toast } from "../../ui/toasts";
import { parkedQuery, subscriptionsQuery } from "../queries";
import { ReplayDialog } from "./replay-dialog";
import { SubscribeDialog } from "./subscribe-dialog";

type Subscription = Schema<"Subscription">;

const WAITING_MAX = 10_000;

/** Where events go, and do they arrive? */
export function Subscriptions() {
  const subscriptions = useQuery(subscriptionsQuery);
  const [asking, setAsking] = useState(false);
  useVerbs(useMemo(() => [{ label: "New subscription", run: () => setAsking(true) }], []));
  const add = (
    <Button small icon={<Plus aria-hidden />} onClick={() => setAsking(true)}>
      Subscribe…
    </Button>
  );
  return (
    <Section title="Subscriptions" note={subscriptions.data?.length || undefined} aside={add}>
      <Loaded
        query={subscriptions}
        empty={
          <Empty
            title="No subscriptions yet"
            command={`ostinato ledger subscribe ops --sink webhook --parameters '{"url": "https://…"}' --verbs '["model.*"]'`}
          >
            A subscription sends each event to a web hook, a chat room, a mailbox, a catalog or a file, in order and at
            least once.
          </Empty>
        }
      >
        {(all) => all.map((one) => <Line key={one.name} of={one} />)}
      </Loaded>
      {asking && <SubscribeDialog onClose={() => setAsking(false)} />}
    </Section>
  );
}

function Line({ of }: { of: Subscription }) {
  const { name, sink, parameters, verbs, delivered_at, waiting, failures, error, parked } = of;
  return (
    <article className="subscription" aria-label={`Subscription ${name}`}>
      <header className="subscription-head">
        <h3>{name}</h3>
        <Standing of={of} />
        <Acts of={of} />
      </header>
      <Facts
        items={[
          ["To", <Place key="to" sink={sink} parameters={parameters} />],
          ["Events", verbs.length ? verbs.map((verb) => <code key={verb}>{verb} </code>) : "all"],
          ["Last delivered", delivered_at ? <Time key="last" at={delivered_at} /> : "nothing yet"],
          [
            "Pending",
            waiting >= WAITING_MAX ? `${full(WAITING_MAX)} events or more` : waiting ? full(waiting) : "nothing",
          ],
          ...(error
            ? ([
                [
                  "Refused",
                  <span key="why" className="subscription-error">{`${error} (${full(failures)} in a row)`}</span>,
                ],
              ] as const)
            : []),
        ]}
      />
      {parked > 0 && <Parked name={name} />}
    </article>
  );
}

function Standing({ of: { paused, failures, parked } }: { of: Subscription }) {
  if (paused) return <Status kind="idle" word="Paused" />;
  if (failures) return <Status kind="bad" word="Fails" />;
  if (parked) return <Status kind="warn" word={`${full(parked)} set aside`} />;
  return <Status kind="ok" word="Works" />;
}

function Place({ sink, parameters }: Pick<Subscription, "sink" | "parameters">) {
  const { url, to, name, ...rest } = parameters;
  const more = Object.entries(rest).map(([key, value]) => `${key.replaceAll("_", " ")} ${value}`);
  return (
    <>
      {sink} <code>{String(url ?? to ?? name ?? "")}</code> <span className="muted">{more.join(", ")}</span>
    </>
  );
}

function Acts({ of: { name, paused, parked, failures } }: { of: Subscription }) {
  const path = { name };
  const confirm = useConfirm();
  const tried = useMutation({
    mutationFn: () => send("post", "/ledger/subscriptions/{name}/test", { path }),
    onSuccess: ({ taken, ms, error }) =>
      toast(
        taken
          ? { kind: "ok", text: `${name} took an event in ${duration(ms)}` }
          : { kind: "bad", text: `${name} took none: ${error}` },
      ),
  });
  const turn = useMutation({
    mutationFn: (word: "pause" | "resume" | "retry"): Promise<unknown> =>
      send("post", `/ledger/subscriptions/{name}/${word}`, { path }),
  });
  const end = () =>
    void confirm({
      title: `End the subscription ${name}?`,
      text: "What it was not sent yet, it never gets. What it was sent stays there.",
      verb: "End",
      danger: true,
      act: () => send("delete", "/ledger/subscriptions/{name}", { path }),
    });
  const [again, setAgain] = useState(false);
  const failure = tried.error ?? turn.error;
  return (
    <span className="row subscription-acts">
      <Button small icon={<Send aria-hidden />} busy={tried.isPending} onClick={() => tried.mutate()}>
        Test
      </Button>
      <Button small busy={turn.isPending} onClick={() => turn.mutate(paused ? "resume" : "pause")}>
        {paused ? "Resume" : "Pause"}
      </Button>
      <Menu
        label={`More about ${name}`}
        iconOnly
        small
        kind="quiet"
        icon={<Ellipsis aria-hidden />}
        items={[
          { text: "Try again now", onSelect: () => turn.mutate("retry"), disabled: parked + failures === 0 },
          { text: "Send again…", onSelect: () => setAgain(true) },
          { text: "End…", onSelect: end, danger: true },
        ]}
      />
      {again && <ReplayDialog name={name} onClose={() => setAgain(false)} />}
      {failure && <ErrorBox error={failure} />}
    </span>
  );
}

/** What it refused although it took what came after. */
function Parked({ name }: { name: string }) {
  return (
    <Loaded query={useQuery(parkedQuery(name))}>
      {(parked) => (
        <details className="subscription-parked">
          <summary>{full(parked.length)} set aside: refused, although others were taken</summary>
          <ul>
            {parked.map(({ event, at, error }) => (
              <li key={event.id}>
                <RefLink to={`event:${event.id}`}>{event.verb.replace(".", " ")}</RefLink>{" "}
                <RefLink to={event.subject} /> <Time at={at} /> <span className="subscription-error">{error}</span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </Loaded>
  );
}
