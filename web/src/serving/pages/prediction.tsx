import { useQuery } from "@tanstack/react-query";
import type { Schema } from "../../kernel/api/types";
import { full } from "../../kernel/number";
import { useProject } from "../../kernel/project";
import { duration, exact } from "../../kernel/time";
import { useParam } from "../../kernel/url";
import { Section } from "../../ui/card";
import { Empty } from "../../ui/empty";
import { Facts, Stats } from "../../ui/facts";
import { Loaded } from "../../ui/loaded";
import { type Crumb, Page } from "../../ui/page";
import { RefLink } from "../../ui/ref-link";
import { Skeleton } from "../../ui/skeleton";
import { Tag } from "../../ui/status";
import { Time } from "../../ui/time";
import { Inputs } from "../parts/inputs";
import { Origin } from "../parts/origin";
import { Score } from "../parts/score";
import { predictionQuery, splitPrediction } from "../queries";
import { short } from "../words";
import "../serving.css";

type Prediction = Schema<"Prediction">;

/** What was answered, why, and from what? */
export function PredictionPage() {
  const [endpoint, request] = splitPrediction(useParam("id"));
  const project = useProject();
  const crumbs = [{ text: "Endpoints", to: `/${project}/endpoints` }];
  if (endpoint === "")
    return (
      <Page title={request} crumbs={crumbs}>
        <Empty title="The address names no endpoint">
          A prediction is found by its endpoint and its request: late%2FREQUEST. Each endpoint lists its own.
        </Empty>
      </Page>
    );
  return <Found endpoint={endpoint} request={request} crumbs={crumbs} />;
}

interface FoundProps {
  endpoint: string;
  request: string;
  crumbs: readonly Crumb[];
}

function Found({ endpoint, request, crumbs }: FoundProps) {
  const project = useProject();
  const prediction = useQuery(predictionQuery(endpoint, request));
  const way = [
    ...crumbs,
    { text: endpoint, to: `/${project}/endpoints/${endpoint}` },
    { text: "Predictions", to: `/${project}/endpoints/${endpoint}?tab=predictions` },
  ];
  return (
    <Page title={request} crumbs={way}>
      <Loaded query={prediction} skeleton={<Skeleton height={320} />}>
        {(found) => (
          <>
            <Answer prediction={found} />
            <Inputs prediction={found} />
            <Origin endpoint={endpoint} request={request} />
            <Section title="Request">
              <Facts
                items={[
                  ["Endpoint", <RefLink key="e" to={`endpoint:${endpoint}`} bare />],
                  ["Asked for", exact(found.at)],
                  ["Answered as", <Tag key="r" text={found.role} />],
                  ["Split by", <code key="k">{found.key ?? "not split"}</code>],
                ]}
              />
            </Section>
          </>
        )}
      </Loaded>
    </Page>
  );
}

function Answer({ prediction }: { prediction: Prediction }) {
  const { score, label, labelled_at, other_version, other_score, version, role, latency_ms } = prediction;
  return (
    <Stats
      items={[
        {
          label: "Prediction",
          value: <Score value={score} />,
          note: (
            <>
              by <RefLink to={version} bare />
            </>
          ),
        },
        {
          label: "Actual outcome",
          value: label === null ? "not known yet" : full(label),
          note: labelled_at && (
            <>
              known <Time at={labelled_at} />
            </>
          ),
        },
        ...(label === null
          ? []
          : [{ label: "Squared error", value: <Score value={(score - label) ** 2} />, note: "0 is best, 1 is worst" }]),
        ...(other_version === null
          ? []
          : [
              {
                label: `${short(other_version)} predicted`,
                value: <Score value={other_score} />,
                note: other_score !== null && (
                  <>
                    <Score value={other_score - score} signed /> against the answer
                  </>
                ),
              },
            ]),
        {
          label: "Latency",
          value: role === "batch" ? "in batch" : duration(latency_ms),
        },
      ]}
    />
  );
}
