import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useProject } from "../../kernel/project";
import { href } from "../../kernel/ref";
import { useMay } from "../../kernel/session";
import { choice, instant, query, text, useAt, useParam, useUrlState } from "../../kernel/url";
import { useVerbs } from "../../kernel/verbs";
import { AsOfBanner, AsOfPicker } from "../../ui/as-of";
import { LinkButton } from "../../ui/button";
import { Card } from "../../ui/card";
import { Empty } from "../../ui/empty";
import { Loaded } from "../../ui/loaded";
import { Page } from "../../ui/page";
import { Status, Tag } from "../../ui/status";
import { Tabs } from "../../ui/tabs";
import { Actions } from "../parts/actions";
import { Broken } from "../parts/broken";
import { ModelCard } from "../parts/card";
import { History, WhyNot } from "../parts/decision";
import { Evidence } from "../parts/evidence";
import { Gates } from "../parts/gates";
import { Origin } from "../parts/origin";
import { passed, type Review, verdict } from "../parts/standing";
import { Deprecate, Deprecated } from "../parts/stewardship";
import { type Act, nextOf, useActs } from "../parts/verbs";
import { Words } from "../parts/words";
import { reviewQuery, storyQuery } from "../queries";
import "../registry.css";

const FIELDS = { tab: choice("evidence", "card", "origin"), by: text(), metric: text() };
const PAST = { at: instant() };
const TABS = [
  { value: "evidence", text: "Evidence" },
  { value: "card", text: "Card" },
  { value: "origin", text: "Origin, trust and signature" },
] as const;

/** May it go? */
export function VersionPage() {
  const [model, version] = [useParam("model"), useParam("version")];
  const project = useProject();
  const [at, setAt] = useAt();
  const review = useQuery(reviewQuery(`${model}@${version}`, at));
  const acts = useActs(review.data);
  const next = review.data && nextOf(acts, review.data);
  const past = query(PAST, { at });
  const may = useMay("model:write");
  const [asking, setAsking] = useState(false);
  const ask = () => setAsking(true);
  useVerbs(useMemo(() => acts.map(inPalette), [acts]));
  const name = review.data?.version.ref.replace("model:", "") ?? `${model}@${version}`;
  const aliases = Object.entries(review.data?.model.aliases ?? {}).flatMap(([alias, at]) =>
    at === review.data?.version.version ? [alias] : [],
  );
  return (
    <Page
      title={name}
      heading={
        <>
          {name}
          {aliases.map((alias) => (
            <Tag key={alias} text={alias} />
          ))}
        </>
      }
      crumbs={[
        { text: "Models", to: `/${project}/models` },
        { text: model, to: `/${project}/models/${model}${past}` },
      ]}
      lead={review.data && <Lead review={review.data} />}
      actions={
        <>
          <AsOfPicker at={at} onChange={setAt} from={review.data?.version.registered_at} />
          {review.data && (
            <LinkButton
              kind="quiet"
              to={`/${project}/models/${model}/compare?versions=${encodeURIComponent([name, ...(review.data.champion ? [review.data.champion.replace("model:", "")] : [])].join(" "))}`}
            >
              Compare
            </LinkButton>
          )}
          {review.data && (
            <LinkButton kind="quiet" to={`${href(project, `lineage:${review.data.version.ref}`)}${past}`}>
              Lineage
            </LinkButton>
          )}
          {review.data && (
            <Actions
              acts={acts}
              next={next}
              more={[{ text: "Deprecate…", disabled: !may || past !== "", onSelect: ask }]}
            />
          )}
        </>
      }
    >
      <AsOfBanner at={at} onChange={setAt} />
      {review.data?.version.deprecated && (
        <Deprecated said={review.data.version.deprecated} {...(!at && { of: name })} />
      )}
      {review.data?.model.deprecated && <Deprecated said={review.data.model.deprecated} />}
      {review.data?.emergency && <Broken made={review.data.emergency} state={review.data.version.state} />}
      {asking && <Deprecate of={name} onClose={() => setAsking(false)} />}
      <Loaded query={review}>{(found) => <Body review={found} acts={acts} at={at} />}</Loaded>
    </Page>
  );
}

function inPalette({ word, allowed, reason, run }: Act) {
  return { label: `${word} this version`, run, enabled: allowed || reason };
}

function Lead({ review }: { review: Review }) {
  const { kind, word, text: why } = verdict(review);
  return (
    <span className="model-verdict">
      <Status kind={kind} word={word} badge />{" "}
      <span>
        <Words text={sentence(why)} />
      </span>
    </span>
  );
}

/** Begins with a capital, unless with a Ref. */
function sentence(words: string): string {
  return /^[a-z]+:\w/.test(words) ? words : words.charAt(0).toUpperCase() + words.slice(1);
}

interface BodyProps {
  review: Review;
  acts: readonly Act[];
  at: string | undefined;
}

function Body({ review, acts, at }: BodyProps) {
  const [{ tab, by, metric }, set] = useUrlState(FIELDS);
  const { data: story } = useQuery(storyQuery(review.model.name, at, 1));
  const { version, check } = review;
  return (
    <>
      <div className="model-review">
        <Card title="Gates" note={check && `${passed(check)} on ${check.at.slice(0, 10)}`}>
          {check ? <Gates check={check} /> : <NotChecked of={`${version.model}@${version.version}`} at={at} />}
        </Card>
        <Card title="Decision">
          <WhyNot acts={at ? [] : acts} review={review} />
          <History review={review} moves={story?.moves ?? []} />
        </Card>
      </div>
      <Tabs label="Version" items={TABS} value={tab} onChange={(next) => set({ tab: next })}>
        {tab === "evidence" && <Evidence review={review} at={at} by={by} metric={metric} onChoose={set} />}
        {tab === "card" && <ModelCard model={version.model} version={version.version} at={at} />}
        {tab === "origin" && <Origin review={review} at={at} />}
      </Tabs>
    </>
  );
}

function NotChecked({ of, at }: { of: string; at: string | undefined }) {
  if (at) return <p className="muted">It had not been checked yet.</p>;
  return <Empty title="Not checked yet" command={`ostinato models check ${of}`} />;
}
