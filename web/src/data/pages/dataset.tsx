import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { ArrowLeftRight, Upload } from "lucide-react";
import { useMemo, useState } from "react";
import type { Schema } from "../../kernel/api/types";
import { count } from "../../kernel/number";
import { useProject } from "../../kernel/project";
import { useMay } from "../../kernel/session";
import { choice, number, query, text, useAt, useParam, useUrlState } from "../../kernel/url";
import { useVerbs } from "../../kernel/verbs";
import { AsOfBanner, AsOfPicker } from "../../ui/as-of";
import { Button, LinkButton } from "../../ui/button";
import { Section } from "../../ui/card";
import { Empty } from "../../ui/empty";
import { Stats } from "../../ui/facts";
import { Loaded } from "../../ui/loaded";
import { Num } from "../../ui/num";
import { Page } from "../../ui/page";
import { Skeleton } from "../../ui/skeleton";
import { Status, Tag } from "../../ui/status";
import { Time } from "../../ui/time";
import { hours } from "../checks";
import { DeliverDialog, type Proposal } from "../parts/deliver";
import { DeliveryPanel, same } from "../parts/delivery";
import { DeliveryStrip } from "../parts/strip";
import { Tags } from "../parts/tags";
import { VersionPanel } from "../parts/version";
import { profileQuery, storyQuery, versionRef } from "../queries";
import { lastResult } from "../verdict";
import "../data.css";

type Story = Schema<"DatasetStory">;

export const FIELDS = {
  version: number(),
  delivery: text(),
  attempt: number(),
  check: text(),
  tab: choice("columns", "rows", "contract", "about"),
};

/** Can I trust this data today; and if a delivery was refused, why? */
export function DatasetPage() {
  const name = useParam("name");
  const project = useProject();
  const [at, setAt] = useAt();
  const [, set] = useUrlState(FIELDS);
  const [proposal, setProposal] = useState<Proposal | "new">();
  const story = useQuery(storyQuery(name, at));
  const latest = story.data?.state.version?.version;
  const may = useMay("dataset:write");
  const why = useWhyNot(may, at);
  const navigate = useNavigate();
  const diff = `/${project}/data/${encodeURIComponent(name)}/diff`;
  useVerbs(
    useMemo(
      () => [
        { label: `Deliver to ${name}`, run: () => setProposal("new"), enabled: why ?? true },
        { label: `Compare versions of ${name}`, run: () => void navigate({ to: diff }) },
      ],
      [name, why, navigate, diff],
    ),
  );
  return (
    <Page
      title={name}
      lead={story.data?.state.dataset.description}
      crumbs={[{ text: "Data", to: `/${project}/data` }]}
      actions={
        story.data && (
          <>
            <AsOfPicker at={at} onChange={setAt} from={story.data.state.dataset.created_at} />
            {latest !== undefined && latest > 1 && (
              <LinkButton to={diff} icon={<ArrowLeftRight size={14} />}>
                Compare versions
              </LinkButton>
            )}
            {may && (
              <Button
                icon={<Upload size={14} />}
                disabled={why !== undefined}
                title={why}
                onClick={() => setProposal("new")}
              >
                Deliver
              </Button>
            )}
          </>
        )
      }
    >
      {story.data && <Tags name={name} tags={story.data.state.dataset.tags ?? []} may={why === undefined} />}
      <AsOfBanner at={at} onChange={setAt} />
      <Loaded query={story} skeleton={<Skeleton lines={10} />}>
        {(told) => <Told story={told} onAgain={why === undefined ? setProposal : undefined} />}
      </Loaded>
      {proposal && (
        <DeliverDialog
          name={name}
          proposal={proposal === "new" ? undefined : proposal}
          onClose={() => setProposal(undefined)}
          onDelivered={({ key, attempt }) => {
            setProposal(undefined);
            set({ delivery: key, attempt, check: "", version: undefined });
          }}
        />
      )}
    </Page>
  );
}

function useWhyNot(may: boolean, at: string | undefined): string | undefined {
  if (!may) return "needs the permission dataset:write";
  return at ? "the page shows a day that is over" : undefined;
}

interface ToldProps {
  story: Story;
  onAgain: ((proposal: Proposal) => void) | undefined;
}

function Told({ story, onAgain }: ToldProps) {
  const { state, deliveries, earlier } = story;
  const { name } = state.dataset;
  const [{ version: wanted, check }, set] = useUrlState(FIELDS);
  const project = useProject();
  const mark = useShown(story);
  const version = wanted ?? state.version?.version;
  const profile = useQuery({ ...profileQuery(versionRef(name, version)), enabled: version !== undefined });
  const schema = profile.data?.columns.map((column) => column.name) ?? [];
  const [at] = useAt();
  const to = ({ key, attempt }: { key: string; attempt: number }) =>
    `/${project}/data/${encodeURIComponent(name)}${query({ ...FIELDS, at: text() }, { delivery: key, attempt, version: wanted, at: at ?? "" })}`;
  if (deliveries.length === 0)
    return (
      <Empty
        title="Nothing delivered yet"
        command={`ostinato datasets deliver ${name} --key KEY --source '{"kind": "csv", "parameters": {"path": "FILE"}}'`}
      >
        Each delivery is measured against the contract and makes a version, or goes into quarantine.
      </Empty>
    );
  return (
    <>
      <Standing state={state} />
      <Section
        title="Deliveries"
        note={earlier ? `the last ${deliveries.length}, ${earlier} came earlier` : deliveries.length}
      >
        <DeliveryStrip
          deliveries={deliveries}
          to={to}
          shown={(delivery) => mark !== undefined && same(delivery, mark)}
        />
      </Section>
      {mark && (
        <DeliveryPanel
          story={story}
          mark={mark}
          schema={schema}
          check={check}
          onCheck={(next) => set({ check: next })}
          again={
            onAgain && ((source) => <Again key="again" onClick={() => onAgain({ key: mark.key, path: source })} />)
          }
        />
      )}
      <VersionPanel story={story} version={version} />
    </>
  );
}

function Again({ onClick }: { onClick: () => void }) {
  return (
    <Button small onClick={onClick}>
      Deliver again
    </Button>
  );
}

/** The delivery that the address names; else the newest that was refused, else the last one. */
function useShown({ failing, deliveries }: Story): { key: string; attempt: number } | undefined {
  const [{ delivery: key, attempt }] = useUrlState(FIELDS);
  const named = [...deliveries].reverse().find((one) => one.key === key && (attempt ?? one.attempt) === one.attempt);
  if (key) return named ?? { key, attempt: attempt ?? 1 };
  return failing ?? deliveries.at(-1);
}

function Standing({ state }: { state: Schema<"DatasetState"> }) {
  const { version, last, age_hours, promise_hours, fresh, waiting } = state;
  const result = lastResult(state);
  return (
    <Stats
      items={[
        {
          label: "Freshness",
          value:
            fresh === null ? (
              version && <Time at={version.created_at} />
            ) : (
              <Status kind={fresh ? "ok" : "bad"} word={fresh ? "Fresh" : "Stale"} />
            ),
          note:
            promise_hours === null
              ? "nothing promised"
              : `${hours(age_hours ?? 0)} old, promised below ${hours(promise_hours)}`,
        },
        {
          label: "Last delivery",
          value: <Status kind={result.kind} word={result.word} />,
          note: last && (
            <>
              {last.key} · <Time at={last.delivered_at} /> · {result.detail}
            </>
          ),
        },
        {
          label: "In quarantine",
          value: waiting ? <Status kind="bad" word={count(waiting, "delivery", "deliveries")} /> : "none",
          note: waiting ? "refused, and not accepted since" : "nothing waits to be mended",
        },
        {
          label: "Rows",
          value: <Num value={version?.rows} />,
          note: version ? (
            <>
              in version <Tag text={String(version.version)} />
            </>
          ) : (
            "no version yet"
          ),
        },
      ]}
    />
  );
}
