import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import type { Schema } from "../../kernel/api/types";
import { useProject } from "../../kernel/project";
import { useMay } from "../../kernel/session";
import { number, text, useAt, useParam, useUrlState } from "../../kernel/url";
import { useVerbs } from "../../kernel/verbs";
import { AsOfBanner, AsOfPicker } from "../../ui/as-of";
import { Button } from "../../ui/button";
import { Card, Section } from "../../ui/card";
import { Empty } from "../../ui/empty";
import { Loaded } from "../../ui/loaded";
import { Menu } from "../../ui/menu";
import { Page } from "../../ui/page";
import { said } from "../../ui/report/words";
import { AliasLine } from "../parts/alias-line";
import { Ahead, Production } from "../parts/production";
import { Rules } from "../parts/rules";
import { present } from "../parts/standing";
import { Deprecate, Deprecated, HandOver } from "../parts/stewardship";
import { Versions } from "../parts/versions";
import { storyQuery } from "../queries";
import "../registry.css";

const STEP = 50;
const FIELDS = { metric: text(), limit: number(STEP) };
const LACKS = "needs the permission model:write";
type ModelStory = Schema<"ModelStory">;

/** What is in production and since when, or was at a moment; and why? */
export function ModelPage() {
  const name = useParam("model");
  const project = useProject();
  const [at, setAt] = useAt();
  const [{ metric, limit }, set] = useUrlState(FIELDS);
  const story = useQuery(storyQuery(name, at, limit));
  const { model } = story.data ?? {};
  const may = useMay("model:write");
  const [asking, setAsking] = useState<"owners" | "deprecate">();
  const close = () => setAsking(undefined);
  useVerbs(
    useMemo(
      () => [
        { label: "Change the owners of this model", run: () => setAsking("owners"), enabled: may || LACKS },
        { label: "Deprecate this model", run: () => setAsking("deprecate"), enabled: may || LACKS },
      ],
      [may],
    ),
  );
  return (
    <Page
      title={name}
      crumbs={[{ text: "Models", to: `/${project}/models` }]}
      lead={model?.description}
      actions={
        !story.isError && (
          <>
            <AsOfPicker at={at} onChange={setAt} from={model?.created_at} />
            <Menu
              label="More"
              items={[
                {
                  text: "Change owners…",
                  disabled: !may || at !== undefined || !model,
                  onSelect: () => setAsking("owners"),
                },
                {
                  text: "Deprecate…",
                  disabled: !may || at !== undefined || !model,
                  onSelect: () => setAsking("deprecate"),
                },
              ]}
            />
          </>
        )
      }
    >
      <AsOfBanner at={at} onChange={setAt} />
      {model?.deprecated && <Deprecated said={model.deprecated} {...(!at && { of: name })} />}
      {asking === "owners" && model && <HandOver model={name} owners={model.owners ?? [model.owner]} onClose={close} />}
      {asking === "deprecate" && <Deprecate of={name} onClose={close} />}
      <Loaded query={story}>
        {(told) => (
          <Story
            story={told}
            at={at}
            onAt={setAt}
            metric={metric || usual(told)}
            onMetric={(next) => set({ metric: next })}
            onMore={() => set({ limit: limit + STEP })}
          />
        )}
      </Loaded>
    </Page>
  );
}

interface StoryProps {
  story: ModelStory;
  at: string | undefined;
  onAt: (at: string) => void;
  metric: string;
  onMetric: (metric: string) => void;
  onMore: () => void;
}

function Story({ story, at, onAt, metric, onMetric, onMore }: StoryProps) {
  const { model, moves, versions, earlier } = story;
  const aliases = present(moves);
  const metrics = [...new Set(versions.flatMap((line) => Object.keys(line.metrics)))];
  return (
    <>
      <div className="grid">
        <Card title={at ? "In production then" : "In production"}>
          {aliases.map((mark) => (
            <Production
              key={mark.alias}
              mark={mark}
              line={versions.find((v) => v.version === mark.version)}
              metric={metric}
              at={story.at}
            />
          ))}
          {aliases.length === 0 && <p className="muted">Nothing was promoted{at ? " until then" : " yet"}.</p>}
        </Card>
        <Card title="Newer versions">
          <Ahead versions={versions} moves={moves} />
        </Card>
      </div>
      <Section title="Timeline" aside={<span className="muted">click to see the page as of that day</span>}>
        <AliasLine moves={moves} versions={versions} from={model.created_at} at={at} onPick={onAt} />
      </Section>
      <Section
        title="Versions"
        note={versions.length + earlier}
        aside={metrics.length > 0 && <MetricChoice metric={metric} metrics={metrics} onChange={onMetric} />}
      >
        {versions.length === 0 && !at ? (
          <Empty
            title="No versions yet"
            command={`ostinato models register ${model.name} --artifact DIGEST --flavor FLAVOR --signature @SIGNATURE.json`}
          />
        ) : (
          <Versions versions={versions} metric={metric} />
        )}
        {earlier > 0 && (
          <div>
            <Button small onClick={onMore}>{`Show more of ${earlier} earlier`}</Button>
          </div>
        )}
      </Section>
      <Rules model={model} at={at} />
    </>
  );
}

interface MetricChoiceProps {
  metric: string;
  metrics: readonly string[];
  onChange: (metric: string) => void;
}

function MetricChoice({ metric, metrics, onChange }: MetricChoiceProps) {
  return (
    <select aria-label="Metric" value={metric} onChange={({ target }) => onChange(target.value)}>
      {metrics.map((one) => (
        <option key={one} value={one}>
          {said(one)}
        </option>
      ))}
    </select>
  );
}

/** The metric that the gates speak of first. */
function usual({ model, versions }: ModelStory): string {
  const judged = model.gates.map((gate) => gate.parameters?.metric).find((metric) => typeof metric === "string");
  return String(judged ?? Object.keys(versions[0]?.metrics ?? {})[0] ?? "");
}
